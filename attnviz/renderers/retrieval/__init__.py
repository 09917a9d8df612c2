"""What heads do while a model copies needles: a table, and data."""
