"""Attention followed through several layers: a map, a table of shares, and data."""
