"""Attention weights that another program computed, and hands out alone."""
