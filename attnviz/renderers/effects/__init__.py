"""What taking heads away does to a model's predictions: a table, data, or a map of one effect."""
