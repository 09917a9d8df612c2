"""How a token is shown to a person."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

NATURAL_WIDTH = 1_000_000  # of output that is not a terminal's: nothing is folded
FILLERS = "\u115f\u1160\u3164\uffa0"  # Hangul letters that show nothing
JOINERS = "\u200c\u200d"  # zero-width, and part of many emoji and of Indic and Persian words


class NamedToken(NamedTuple):
    """A token as sentences name it: how it is shown and, where another one is shown alike, its position."""

    text: str
    position: int | None = None

    @property
    def quoted(self) -> str:
        """In a sentence: `the` @4."""
        return f"`{self.text}`{self._place}"

    @property
    def plain(self) -> str:
        """In a line of its own: the @4."""
        return f"{self.text}{self._place}"

    @property
    def _place(self) -> str:
        return "" if self.position is None else f" @{self.position}"


@lru_cache(maxsize=65536)
def shown(token: str) -> str:
    """``token`` as a person may safely see it: white space visible, control and format characters written out."""
    if token.isascii() and token.isprintable() and " " not in token and token:
        return token
    if not token:
        return "''"
    visible = "".join(_visible(token, index) for index in range(len(token)))
    return "◌" + visible if _combines(token[0]) else visible  # a mark alone needs something to sit on


def shown_line(text: str) -> str:
    """A text of a person's own, or the name of a file, on one line: its words kept, what cannot be seen written out."""
    return " ".join(shown(word) if word else "" for word in text.split(" "))


def ascii_escaped(json: str) -> str:
    """``json`` with the characters written out that ``shown`` writes out of some text: a parser reads the same."""
    unseen = {character for character in set(json) if not _is_seen(character)} - {"\n"}
    return json.translate({ord(character): _json_escape(character) for character in unseen}) if unseen else json


def shorten(text: str, cells: int) -> str:
    """``text`` cut to ``cells`` terminal cells, the cut marked with an ellipsis."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + "…" if cells > 0 else ""


def _combines(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _is_seen(character: str) -> bool:
    return character.isprintable() and character not in FILLERS


def _json_escape(character: str) -> str:
    """JSON counts in UTF-16: a character beyond its first plane is two."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def _visible(token: str, index: int) -> str:
    character = token[index]
    if character == " ":
        return "·"
    if _is_seen(character) or (character in JOINERS and 0 < index < len(token) - 1):
        return character
    return character.encode("unicode_escape").decode("ascii")


def listed_tokens(tokens: Sequence[str], cells: int = 20) -> str:
    """Tokens as an error names them, each cut to ``cells`` terminal cells."""
    return ", ".join(shorten(shown(token), cells) for token in tokens[:8]) + (", …" if len(tokens) > 8 else "")
