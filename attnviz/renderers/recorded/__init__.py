"""The table of a recording."""
