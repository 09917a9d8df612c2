"""Toy attention: a text, and embeddings that a person can check by hand."""
