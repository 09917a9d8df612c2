"""What a person should know of a text that the tiny model reads."""

from __future__ import annotations

from attnviz.sources.tiny.model import UNKNOWN, Words
from attnviz.text.display import listed_tokens

CELLS = 20  # of each word that is named


def spelled_notice(words: Words) -> str | None:
    """How many words the model knows by their letters alone, and what that means; None where it knows each by itself."""
    unknown = [token for token, number in zip(words.tokens, words.ids, strict=True) if number == UNKNOWN]
    if not unknown:
        return None
    named = listed_tokens(list(dict.fromkeys(unknown)), CELLS)
    return (
        f"the tiny model reads {len(unknown)} of {len(words.tokens)} words by their letters ({named}); "
        "its heads' roles are measured on its own grammar alone"
    )
