"""Which rows of a large problem are looked at."""

from __future__ import annotations

import numpy

from attnviz.analysis.diagnosis.inputs import Asked
from attnviz.analysis.diagnosis.recipe import View

CELLS = 1 << 19  # rows × keys that are looked at


def cut(problem: Asked) -> View:
    """All rows, or where there are too many, some heads of some items, and queries spread over them: the first, the last,
    those at the ends of tiles, and those whose output is not finite among them."""
    meant = problem.meant
    if meant.items * meant.heads * meant.queries * meant.keys <= CELLS:
        return meant.whole
    rows = max(8, CELLS // meant.keys)
    items = _spread(meant.items, min(2, rows // 8))
    heads = _spread(meant.heads, max(2, min(8, rows // (16 * len(items)))))
    count = max(8, rows // (len(items) * len(heads)))
    odd = numpy.flatnonzero(~numpy.isfinite(problem.output).all((0, 1, 3)))[:4]
    ends = [place for place in (15, 16, 31, 32, 63, 64, 127, 128) if place < meant.queries]
    queries = numpy.unique(numpy.concatenate([_spread(meant.queries, count), odd, ends]).astype(int))
    return View(items, heads, queries)


def _spread(size: int, count: int) -> numpy.ndarray:
    """At most ``count`` of the numbers below ``size``, the first and the last among them."""
    if count >= size:
        return numpy.arange(size)
    return numpy.unique(numpy.linspace(0, size - 1, count).astype(int))
