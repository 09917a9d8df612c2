"""Where a token, or a position, stands among tokens."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from attnviz.text.display import shown
from attnviz.text.words import SEGMENTS

NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)"  # of a position, as people type it or as titles write it: 1000, 1,000
BEYOND = 10**15  # no text is as long


def folded(token: str) -> str:
    """What makes two tokens the same word: neither upper case nor how an accent is encoded tells them apart."""
    return token.casefold() if token.isascii() else unicodedata.normalize("NFC", token.casefold())


def find(tokens: Iterable[str], wanted: str) -> list[int]:
    """The positions at which ``wanted`` stands among ``tokens``: a token (in any case) or a position.

    A number that is itself a token means the token; ``@1`` always means the position, even beside a token "@1". The space
    that begins a word tells " John" from "John" where both stand; else either is found by the other. ``cls`` finds [CLS], and
    of a pair of texts ``cat`` finds "A:cat" or "B:cat".
    """
    tokens = list(tokens)
    if re.fullmatch(f"@{NUMBER}", wanted):
        return _place(wanted[1:], len(tokens))
    same = [position for position, token in enumerate(tokens) if wanted in (token, shown(token))]
    return (
        same
        or _alike(folded, tokens, wanted)
        or _place(wanted, len(tokens))
        or _alike(_bare, tokens, wanted)
        or _alike(lambda token: folded(_bare(token)), tokens, wanted)
        or _alike(folded, tokens, f"[{wanted}]")
        or [place for place, token in enumerate(tokens) if _of_pair(token) == folded(wanted)]
    )


def _alike(read: Callable[[str], str], tokens: Sequence[str], wanted: str) -> list[int]:
    """The positions of the tokens that ``read`` makes the same as ``wanted``."""
    return [position for position, token in enumerate(tokens) if read(token) == read(wanted)]


def _bare(token: str) -> str:
    """``token`` without the one space in front of a word, which labels leave out, and ``shown`` writes as a dot."""
    return token[1:] if token[:1] in (" ", "·") and token[1:2].strip(" ·") else token


def _of_pair(token: str) -> str | None:
    """``token`` without the mark of the text of a pair that it is of, whatever its case; None for one without."""
    return folded(token[len(SEGMENTS[0]) :]) if token.startswith(SEGMENTS) else None


def whole_number(word: str) -> int:
    """What a ``NUMBER`` means: itself, or ``BEYOND`` where it is larger, however many digits that takes."""
    digits = word.replace(",", "").lstrip("0")
    return int(digits or "0") if len(digits) < len(str(BEYOND)) else BEYOND


def _place(word: str, count: int) -> list[int]:
    place = whole_number(word) if re.fullmatch(NUMBER, word) else count
    return [place] if place < count else []
