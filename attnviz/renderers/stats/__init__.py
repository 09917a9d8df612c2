"""What the heads do: a table, data, or a map of one metric."""
