"""How far heads are apart: a table, data, or a picture of two heads beside each other."""
