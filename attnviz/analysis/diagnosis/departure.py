"""Where an output departs that nothing explains, and what its error goes along with."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy

from attnviz.analysis.diagnosis.evidence import Evidence
from attnviz.analysis.diagnosis.recipe import Array
from attnviz.analysis.diagnosis.recovery import recovered_weights
from attnviz.analysis.diagnosis.regions import ranges_of, some_of
from attnviz.analysis.diagnosis.result import Departure, Place

TILES = (128, 64, 32, 16)
TELLING = 0.5  # of the differences between rows that an axis must explain, to be named
MUCH = 0.8  # correlation from which errors count as going along with magnitude
BLOCK = 16  # keys


def departure(evidence: Evidence) -> Departure:
    """The first row that departs, the axes along which rows do, and what the error follows."""
    bad = ~evidence.judged.fine
    item, head, row = (int(one) for one in numpy.argwhere(bad)[0])
    view = evidence.view
    return Departure(
        Place(int(view.items[item]), int(view.heads[head]), int(view.rows[row])),
        some_of(bad.any((0, 2)), view.heads),
        ranges_of(bad.any((0, 1)), view.rows),
        some_of(bad.any((1, 2)), view.items),
        _first_keys(evidence, (item, head, row)),
        float(bad.mean()),
        bool(numpy.isfinite(evidence.output).all()),
        tuple(_followed(evidence, bad)),
    )


def _first_keys(evidence: Evidence, place: tuple[int, int, int]) -> range | None:
    """The first block of keys whose weights depart, where the output tells them."""
    weights = recovered_weights(evidence, place)
    if weights is None:
        return None
    apart = abs(weights.found - weights.meant) > weights.allowed
    if not apart.any():
        return None
    first = int(numpy.flatnonzero(apart)[0]) // BLOCK * BLOCK
    return range(first, min(first + BLOCK, evidence.meant.keys))


def _followed(evidence: Evidence, bad: Array) -> Iterator[str]:
    """What the rows that depart have in common."""
    size = numpy.where(numpy.isfinite(evidence.judged.apart), evidence.judged.apart, 1e6)
    error = numpy.where(bad, numpy.log1p(size), 0)
    shares = {name: _explained(error, axes) for name, axes in AXES.items()}
    for name in sorted(shares, key=lambda name: -shares[name]):
        if shares[name] >= TELLING:
            yield name
    yield from _tiles(evidence, bad)
    if _goes_with_magnitude(evidence):
        yield "magnitude"


# The axes over which a mean is taken, to see how much of the error the others explain.
AXES = {"items": (1, 2), "heads": (0, 2), "positions": (0, 1)}


def _explained(error: Array, axes: tuple[int, ...]) -> float:
    """Which part of the variance of ``error`` the means along the other axis explain."""
    whole = float(error.var())
    return float(error.mean(axes).var()) / whole if whole > 0 else 0.0


def _tiles(evidence: Evidence, bad: Array) -> Iterator[str]:
    """The largest tile of queries that departs, or does not, as a whole; of some it must do each."""
    rows = bad.any((0, 1))
    if rows.all() or not rows.any():
        return
    for size in TILES:
        tiles = evidence.view.rows // size
        shares = [float(rows[tiles == tile].mean()) for tile in numpy.unique(tiles)]
        if len(shares) > 1 and all(share in (0.0, 1.0) for share in shares):
            yield f"tiles-{size}"
            return


def _goes_with_magnitude(evidence: Evidence) -> bool:
    """Whether rows with larger numbers have larger errors."""
    judged = evidence.judged
    finite = numpy.isfinite(judged.difference).all(-1)
    if int(finite.sum()) < BLOCK:
        return False
    error = judged.difference.max(-1)[finite]
    size = abs(judged.found.logits).max(-1, where=numpy.isfinite(judged.found.logits), initial=0)[finite]
    if error.std() == 0 or size.std() == 0:
        return False
    correlation = float(numpy.corrcoef(numpy.log(error + 1e-300), numpy.log(size + 1e-300))[0, 1])
    return math.isfinite(correlation) and correlation >= MUCH
