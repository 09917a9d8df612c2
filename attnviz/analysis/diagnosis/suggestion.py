"""The smallest input that tells explanations apart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

import numpy

from attnviz.analysis.diagnosis.computing import computed
from attnviz.analysis.diagnosis.recipe import Array, Band, Recipe
from attnviz.analysis.diagnosis.registry import ENTRIES, Fitted
from attnviz.analysis.diagnosis.result import Suggestion
from attnviz.analysis.diagnosis.search import Explanation, Named
from attnviz.analysis.diagnosis.turn import Turn

LENGTHS = (
    (2, 2),
    (2, 3),
    (3, 3),
    (2, 5),
    (4, 4),
    (3, 7),
    (6, 6),
    (9, 9),
    (5, 12),
    (17, 17),
    (9, 20),
    (35, 35),
    (20, 70),
)
HEADS = ((1, 1), (2, 2), (4, 2), (6, 3))
WIDTH = 4
APART = 1e-3  # of the largest output: what nobody takes for rounding
REACH = 3  # a window of so many keys shows in few tokens


def suggestion(meant: Recipe, found: list[Explanation]) -> Suggestion | None:
    """Shapes of random numbers with which, under the same rule, all of ``found`` give different outputs; None: none were found."""
    explained = [one.named for one in found]
    for queries, keys in LENGTHS:
        for heads, key_heads in HEADS:
            small = smaller(meant, heads, key_heads, queries, keys)
            if _are_told_apart(small, explained):
                return Suggestion(heads, key_heads, queries, keys, WIDTH, WIDTH)
    return None


def smaller(meant: Recipe, heads: int, key_heads: int, queries: int, keys: int) -> Recipe:
    """The same rule of few random numbers: a mask, a bias, sinks and a window where there were some."""
    random = numpy.random.default_rng(0)
    query, key, value = (
        random.standard_normal((1, count, tokens, WIDTH))
        for count, tokens in ((heads, queries), (key_heads, keys), (key_heads, keys))
    )
    before = min(meant.band.before, REACH - 1) if meant.has_window else math.inf
    after = meant.band.after if meant.band.after != meant.band.before else before
    mask = random.random((1, 1, queries, keys)) < 0.7
    offset = keys - queries if meant.band.offset else 0
    return Recipe(
        query,
        key,
        value,
        1 / math.sqrt(WIDTH) if meant.scale != 1 else 1.0,
        numpy.arange(heads) // (heads // key_heads),
        Band(before, after, offset),
        turn_query=tuple(_of_length(turn, queries, offset) for turn in meant.turn_query),
        turn_key=tuple(_of_length(turn, keys, 0) for turn in meant.turn_key),
        softcap=meant.softcap and 1.0,
        mask=None if meant.mask is None else mask,
        bias=None if meant.bias is None else random.standard_normal((1, heads, queries, keys)),
        sinks=None if meant.sinks is None else random.standard_normal(heads),
    )


def _of_length(turn: Turn, tokens: int, first: int) -> Turn:
    return turn.but(
        dims=WIDTH, width=WIDTH, positions=tuple(float(first + place) for place in range(tokens)), of_items=()
    )


def _are_told_apart(small: Recipe, explained: list[tuple[Named, ...]]) -> bool:
    """Whether no variant of one explanation gives what a variant of another does."""
    outputs = [list(_outputs(small, named)) for named in explained]
    if not all(outputs):
        return False
    return all(
        _differ(first, second) for some, others in combinations(outputs, 2) for first in some for second in others
    )


def _outputs(small: Recipe, named: tuple[Named, ...]) -> Iterator[Array]:
    """What the mistakes of an explanation make of the small input, in all variants."""
    if not named:
        output = computed(small).output
        yield output if small.read is None else small.read(output)
        return
    for variant in ENTRIES[named[0].name].variants(small):
        recipe = variant.make(named[0].value or 0.0) if isinstance(variant, Fitted) else variant.recipe
        yield from _outputs(recipe, named[1:])


def _differ(first: Array, second: Array) -> bool:
    apart = abs(numpy.nan_to_num(first, nan=1e3) - numpy.nan_to_num(second, nan=1e3))
    return bool(apart.max() > APART)
