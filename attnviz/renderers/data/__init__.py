"""The same numbers as data: JSON and CSV."""
