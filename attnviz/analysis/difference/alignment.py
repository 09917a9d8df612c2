"""Which tokens of two texts are the same: in order, none shifted, and the others told as having no partner."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import NamedTuple

CONTINUES = "##"  # how WordPiece spells what does not begin a word


class Side(NamedTuple):
    """The tokens of a text, as they are shown; and as their vocabulary spells them, where that is known."""

    tokens: tuple[str, ...]
    spellings: tuple[str, ...] = ()


class Alignment(NamedTuple):
    """Positions in two texts whose tokens are the same; both rise.

    left, right    the positions, one of each for a pair
    lengths        how many tokens the left text has, and the right
    spelled        whether tokens were matched by how they are spelled, and not by their labels
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    lengths: tuple[int, int]
    spelled: bool = False

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The positions of each pair, (left, right)."""
        return list(zip(self.left, self.right, strict=True))

    @property
    def unmatched(self) -> tuple[list[int], list[int]]:
        """The positions without a partner, of the left text and of the right."""
        left, right = (_missing(known, count) for known, count in zip(self[:2], self.lengths, strict=True))
        return left, right

    @property
    def whole(self) -> bool:
        """Whether each token of both texts has its partner at the very same position."""
        return len(self.left) == self.lengths[0] == self.lengths[1]


@lru_cache(maxsize=8)  # the layers of a model read the same texts
def align(left: tuple[str, ...], right: tuple[str, ...]) -> Alignment:
    """The tokens that ``left`` and ``right`` share, in order, by Ratcliff and Metzener's matching (difflib): the longest run
    that both have, then the longest before it, and so on; a run is never torn up for a single token."""
    ahead = _shared(left, right)
    behind = _shared(left[ahead:][::-1], right[ahead:][::-1])
    ends = len(left) - behind, len(right) - behind
    matcher = SequenceMatcher(None, left[ahead : ends[0]], right[ahead : ends[1]], autojunk=False)
    blocks = [(ahead + a, ahead + b, size) for a, b, size in matcher.get_matching_blocks()]
    blocks = [(0, 0, ahead), *blocks, (*ends, behind)]
    return Alignment(
        tuple(start + place for start, _, size in blocks for place in range(size)),
        tuple(start + place for _, start, size in blocks for place in range(size)),
        (len(left), len(right)),
    )


def align_tokens(left: Side, right: Side) -> Alignment:
    """The same of two texts that different tokenizers may have cut: by the spelling of the tokens, where both are known and
    that matches more of them than their labels do."""
    by_label = align(left.tokens, right.tokens)
    if by_label.whole or not (left.spellings and right.spellings):
        return by_label
    by_spelling = align(*(tuple(map(_bare, side.spellings)) for side in (left, right)))
    return by_spelling._replace(spelled=True) if len(by_spelling.left) > len(by_label.left) else by_label


def _bare(spelling: str) -> str:
    """What is left of a token without what a tokenizer adds to tell where words begin, and without case, which some lose."""
    return spelling.removeprefix(CONTINUES).strip().casefold() or spelling


def _shared(left: Sequence[str], right: Sequence[str]) -> int:
    """How many tokens both begin with: what difflib would look for through all copies of each."""
    unequal = (place for place, both in enumerate(zip(left, right, strict=False)) if both[0] != both[1])
    return next(unequal, min(len(left), len(right)))


def _missing(known: Sequence[int], count: int) -> list[int]:
    there = set(known)
    return [place for place in range(count) if place not in there]
