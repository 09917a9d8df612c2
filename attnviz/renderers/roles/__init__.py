"""The roles of heads, as a table, as data, and as a picture."""
