"""An explanation as the record tells it: its mistakes, where they are, and the weights of the head where it shows most."""

from __future__ import annotations

import numpy

from attnviz.analysis.diagnosis.computing import computed
from attnviz.analysis.diagnosis.evidence import Evidence
from attnviz.analysis.diagnosis.recipe import View
from attnviz.analysis.diagnosis.recovery import recovered_rows
from attnviz.analysis.diagnosis.regions import ranges_of
from attnviz.analysis.diagnosis.result import Compared, Mistake, Ranges
from attnviz.analysis.diagnosis.search import Explanation

SHOWN_ROWS = 512  # of a picture
CHANGED = 1e-9  # from which a weight is another


def mistakes_of(evidence: Evidence, found: Explanation) -> tuple[Mistake, ...]:
    """The mistakes that hold together."""
    before = evidence.worst(evidence.judged)[0]
    after = evidence.worst(found.judged)[0] if found.region.is_whole else _after(evidence, found)
    keys = _keys(evidence, found)
    region = found.region
    return tuple(
        Mistake(one.name, one.value, region.heads, region.queries, keys, region.items, before, after)
        for one in found.named
    )


def _after(evidence: Evidence, found: Explanation) -> float:
    """What is left where the output departs, where the mistake is in a part of it."""
    inside = ~evidence.judged.fine[..., None] & numpy.ones_like(found.judged.difference, bool)
    return float(found.judged.difference[inside].max()) / evidence.size


def _keys(evidence: Evidence, found: Explanation) -> Ranges:
    """The keys whose weights change; all where hardly one stays."""
    if found.judged.fine.shape != evidence.judged.fine.shape:  # dropout, told of one head
        return "all"
    weights = numpy.nan_to_num(abs(found.judged.found.weights - evidence.judged.found.weights))
    changed = (weights > CHANGED).any((0, 1, 2))
    return ranges_of(changed, numpy.arange(evidence.meant.keys)) if changed.any() else "all"


def compared(evidence: Evidence, found: Explanation) -> Compared:
    """Meant against computed weights of the head where the output departs most."""
    item, head, view, rows = _shown(evidence)
    meant = computed(evidence.meant, view).weights[0, 0]
    weights = numpy.broadcast_to(computed(found.recipe, view).weights, (1, 1, *meant.shape))[0, 0]
    return Compared(item, head, rows, meant, weights)


def recovered(evidence: Evidence) -> Compared:
    """The same of an output that nothing explains, with the weights that it tells."""
    item, head, view, rows = _shown(evidence)
    meant = computed(evidence.meant, view).weights[0, 0]
    if len(evidence.view.rows) != evidence.meant.queries:
        return Compared(item, head, rows, meant, None)
    items, heads = (list(one).index(place) for one, place in zip(evidence.view[:2], (item, head), strict=True))
    told = recovered_rows(evidence, items, heads)
    return Compared(item, head, rows, meant, None if told is None else told[: len(rows)])


def _shown(evidence: Evidence) -> tuple[int, int, View, range]:
    """The item and the head that depart most, and the rows that are shown of them."""
    apart = numpy.where(numpy.isfinite(evidence.judged.apart), evidence.judged.apart, 1e9)
    item, head, _ = numpy.unravel_index(int(apart.argmax()), apart.shape)
    rows = range(min(evidence.meant.queries, SHOWN_ROWS))
    view = View(evidence.view.items[[item]], evidence.view.heads[[head]], numpy.arange(len(rows)))
    return int(view.items[0]), int(view.heads[0]), view, rows
