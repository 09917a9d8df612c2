"""A needle, hidden in a text, and what a model has copied of it, where each head looks meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy

from attnviz.attention.arrays import to_numpy
from attnviz.errors import AttnvizError
from attnviz.text.needles import Planted, haystack, needles, planted
from attnviz.trace.slices import some_queries, weighed
from attnviz.trace.trace import Trace

ENOUGH = 0.5  # of a needle's tokens: with fewer, the model has not found it (the code of Wu et al. wants a ROUGE recall above a half)
WRITTEN = 12  # tokens that a model is asked for: a needle has fewer


class Copied(NamedTuple):
    """What a model copied of a needle.

    row     of the first query that chose one of its tokens
    keys    the positions of the needle's answer
    ids     of the tokens that were copied, in order
    whole   whether enough was copied to count
    """

    row: int
    keys: tuple[int, ...]
    ids: tuple[int, ...]
    whole: bool


def hidden_needles(count: int, words: Sequence[int], text: str | None = None) -> Iterator[Planted]:
    """``count`` needles in a text of each of so many ``words``, at depths from its beginning to its end.

    ``text`` is a haystack of one's own. AttnvizError where there are not so many needles, or words.
    """
    known, hay = needles(), haystack() if text is None else text
    if count > len(known):
        raise AttnvizError("there are {known} needles, and {count} are asked for", known=len(known), count=count)
    for length in words:
        for place, needle in enumerate(known[:count]):
            yield planted(needle, hay, length, place / max(count - 1, 1))


def copied(trace: Trace, needle: Planted) -> Copied:
    """What of ``needle`` the model that wrote ``trace`` has copied; AttnvizError where its tokens cannot be found."""
    ids, generation = trace.source.text.ids, trace.generation
    known = 0 if generation is None else len(generation.chosen) - 1  # the last one was chosen, but never read
    begin, end = needle.answer
    keys = tuple(
        place
        for place, span in enumerate(trace.spans[: len(ids) - known])
        if span is not None and span[0] < end and span[1] > begin
    )
    if not keys:
        raise AttnvizError(
            "the tokenizer of {model} does not say where a token stands in its text", model=trace.source.model
        )
    first = len(ids) - known
    same = [one == ids[key] for one, key in zip(ids[first:], keys, strict=False)]
    count = same.index(False) if False in same else len(same)
    return Copied(first - 1, keys, tuple(ids[first : first + count]), count >= ENOUGH * len(keys))


def hits(trace: Trace, found: Copied, layer: Any) -> numpy.ndarray:
    """Whether each head's strongest key is the token that is copied, inside the needle, (heads, tokens)."""
    rows = some_queries(layer, found.row, found.row + len(found.ids))
    strongest = to_numpy(weighed(rows).weights).argmax(axis=-1)  # (heads, tokens)
    ids = numpy.asarray(trace.source.text.ids)
    return numpy.asarray(numpy.isin(strongest, found.keys) & (ids[strongest] == numpy.asarray(found.ids)))


def chance(trace: Trace, found: Copied) -> float:
    """How many hits a head would have that picks its strongest key at random."""
    ids = trace.source.text.ids
    return sum(
        sum(ids[key] == one for key in found.keys) / (found.row + place + 1) for place, one in enumerate(found.ids)
    )
