"""How a sentence of the page calls a token."""

from __future__ import annotations

from collections.abc import Sequence


def called(tokens: Sequence[str], position: int) -> str:
    """The token at ``position``, with its position where it stands more than once."""
    token = tokens[position]
    return f"{token} @{position}" if tokens.count(token) > 1 else token
