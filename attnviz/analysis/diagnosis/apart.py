"""Mistakes in different places: each head, item or block of queries that departs may have one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy

from attnviz.analysis.diagnosis.evidence import Evidence
from attnviz.analysis.diagnosis.recipe import Array, View
from attnviz.analysis.diagnosis.registry import ENTRIES
from attnviz.analysis.diagnosis.result import Mistake
from attnviz.analysis.diagnosis.search import Explanation, explanations
from attnviz.analysis.diagnosis.telling import mistakes_of

MOST_PARTS = 8  # in more places than these it is no mistake but a list
MOST_BLOCKS = 3  # of queries
MOST_WAYS = 6  # of explaining all places
ALIKE = 1e-3  # relative: numbers of one mistake in several places


class Part(NamedTuple):
    """Some rows with what explains them."""

    evidence: Evidence
    explanation: Explanation


def parts_explained(evidence: Evidence) -> list[list[Part]]:
    """Each way in which the places that depart have a mistake of their own; none where some place has none, or there are many ways."""
    for views in _divisions(evidence):
        ways: list[list[Part]] = [[]]
        for view in views:
            own = _explained(replace(evidence, view=view))
            ways = [[*way, part] for way in ways for part in own]
            if not 0 < len(ways) <= MOST_WAYS:
                break
        else:
            return ways
    return []


def mistakes_apart(parts: list[Part]) -> tuple[Mistake, ...]:
    """What the parts say together; the same mistake in several heads, or items, is one."""
    found: list[Mistake] = []
    for part in parts:
        for one in mistakes_of(part.evidence, part.explanation):
            own = _placed(one, part.evidence)
            same = next((place for place, other in enumerate(found) if _are_one(other, own)), None)
            if same is None:
                found.append(own)
            else:
                found[same] = _joined(found[same], own)
    return tuple(found)


def _divisions(evidence: Evidence) -> Iterator[list[View]]:
    """The rows that depart by head, by item, and by block of queries, the worst head or item first."""
    bad, view = ~evidence.judged.fine, evidence.view
    for axis, field, names in ((1, "heads", view.heads), (0, "items", view.items)):
        counts = bad.sum(tuple({0, 1, 2} - {axis}))
        order = [place for place in numpy.argsort(-counts, kind="stable") if counts[place]]
        if 1 < len(order) <= MOST_PARTS:
            yield [view._replace(**{field: names[[place]]}) for place in order]
    blocks = _blocks(bad.any((0, 1)))
    if 1 < len(blocks) <= MOST_BLOCKS:
        yield [view._replace(rows=view.rows[block]) for block in blocks]


def _blocks(chosen: Array) -> list[Array]:
    """The places of rows that are chosen, those beside each other together."""
    places = numpy.flatnonzero(chosen)
    return list(numpy.split(places, numpy.flatnonzero(numpy.diff(places) > 1) + 1)) if len(places) else []


def _explained(evidence: Evidence) -> list[Part]:
    """These rows with each mistake that explains them. One of the order of all heads, or of how all lies in memory, is none of a part."""
    return [
        Part(evidence, one)
        for one in explanations(evidence, pairs=False)
        if one.recipe.read is None and not any(ENTRIES[named.name].all_heads for named in one.named)
    ]


def _placed(mistake: Mistake, evidence: Evidence) -> Mistake:
    """A mistake of some rows as one of all."""
    view, whole = evidence.view, evidence.meant.whole
    heads = (int(view.heads[0]),) if len(view.heads) == 1 < len(whole.heads) else mistake.heads
    items = (int(view.items[0]),) if len(view.items) == 1 < len(whole.items) else mistake.items
    is_block = len(view.rows) < len(whole.rows) and bool((numpy.diff(view.rows) == 1).all())
    block = (range(int(view.rows[0]), int(view.rows[-1]) + 1),)
    return replace(
        mistake, heads=heads, items=items, queries=block if is_block and mistake.queries == "all" else mistake.queries
    )


def _are_one(one: Mistake, other: Mistake) -> bool:
    """Whether it is the same mistake, in another head or item."""
    values = (one.value or 0.0), (other.value or 0.0)
    is_near = abs(values[0] - values[1]) <= ALIKE * abs(values[0])
    is_beside = one.heads == other.heads or one.items == other.items
    return one.name == other.name and one.queries == other.queries and is_near and is_beside


def _joined(one: Mistake, other: Mistake) -> Mistake:
    """One mistake in two places."""
    heads = one.heads if one.heads == other.heads else tuple(sorted({*one.heads, *other.heads}))
    items = one.items if one.items == other.items else tuple(sorted({*one.items, *other.items}))
    return replace(
        one, heads=heads, items=items, before=max(one.before, other.before), after=max(one.after, other.after)
    )
