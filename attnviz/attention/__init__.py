"""Attention itself: the formula once, for every array library, and what it needs."""
