"""What a person should know of the texts that the tiny model reads."""

from __future__ import annotations

from attnviz.sources.tiny.model import UNKNOWN, Words
from attnviz.text.display import listed_tokens
from attnviz.text.message import Message

CELLS = 20  # of each word that is named
NAMED = 100  # words that are kept, more than are named


class Spelled:
    """The words that the model knows by their letters alone, counted over one text or many."""

    def __init__(self) -> None:
        self._read = self._spelled = 0
        self._named: dict[str, None] = {}  # in the order in which they came

    def add(self, words: Words) -> None:
        """Count those of one text more."""
        unknown = [
            token
            for token, number in zip(words.tokens, words.ids, strict=True)
            if number == UNKNOWN and any(map(str.isalnum, token))  # a mark has no letters
        ]
        self._read += len(words.tokens)
        self._spelled += len(unknown)
        if len(self._named) < NAMED:
            self._named |= dict.fromkeys(unknown)

    def notice(self) -> str | None:
        """How many they are, and what that means; None where the model knows each word by itself."""
        if not self._spelled:
            return None
        return Message(
            "the tiny model reads {spelled:,} of {read:,} words by their letters ({named}); its heads' roles are measured on its own grammar alone",
            spelled=self._spelled,
            read=self._read,
            named=listed_tokens(list(self._named), CELLS),
        )


def spelled_notice(words: Words) -> str | None:
    """What ``Spelled`` says of one text."""
    spelled = Spelled()
    spelled.add(words)
    return spelled.notice()
