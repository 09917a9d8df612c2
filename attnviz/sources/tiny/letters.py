"""How a word is read by its letters, known or not: its endings and beginnings, hashed into a table of vectors."""

from __future__ import annotations

import zlib
from functools import lru_cache

LAST_LETTERS = 27  # rows of their own for the last letter, since a plural is told by it: a to z, and any other sign
HASHED = 229  # rows that longer endings and beginnings share, a prime
ROWS = LAST_LETTERS + HASHED
LENGTHS = (1, 2, 3)  # of beginnings; of endings, too, but that of one letter has its own row
A_WORD = 2 * len(LENGTHS)  # rows of the table that make up a word


@lru_cache(maxsize=65536)
def spelling(word: str) -> tuple[int, ...]:
    """The rows of the spelling table whose vectors are summed for ``word``: ``A_WORD`` of them, in lower case.

    The method is that of hashed character n-grams (Bojanowski et al. 2017, 1607.04606, section 3.2), with those at the two
    ends alone: there English keeps its number and its person.
    """
    word = word.casefold()
    endings = [_hashed(f"-{word[-length:]}") for length in LENGTHS[1:]]
    beginnings = [_hashed(f"{word[:length]}-") for length in LENGTHS]
    return (_last_letter(word), *endings, *beginnings)


def _last_letter(word: str) -> int:
    place = ord(word[-1]) - ord("a") if word else -1
    return place if 0 <= place < LAST_LETTERS - 1 else LAST_LETTERS - 1


def _hashed(part: str) -> int:
    return LAST_LETTERS + zlib.crc32(part.encode()) % HASHED
