"""Texts: cut into tokens, shown, searched; and all words that a person reads."""
