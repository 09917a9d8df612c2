"""Dropout that was left on: which weights it takes is drawn, so that it is told by what is left of them.

Each weight is 0 or what it should be times 1 / (1 − p), or as it should be where that was forgotten, and as many are 0 as p says (Srivastava et al. 2014, "Dropout"). The
weights are had from the output where a query sees no more keys than a value has numbers; the same is asked of the output
itself. Rows that tell nothing must at least be off as far as such a draw takes them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy

from attnviz.analysis.diagnosis.computing import value_of
from attnviz.analysis.diagnosis.evidence import Evidence
from attnviz.analysis.diagnosis.recipe import Array, Recipe, View
from attnviz.analysis.diagnosis.recovery import recovered_weights
from attnviz.analysis.diagnosis.regions import Region
from attnviz.analysis.diagnosis.search import Explanation, Named, left_of, telling

LEAST = 20  # weights that must be told, to speak of a share
SURE = 10.0  # times what rounding allows, from which a weight is looked at
UNSCALED = 1e-3  # a factor this near 1 is none: what is left was not made larger
SIGMAS = 4.0  # of a binomial share
ODD = 3.0  # factor by which the rows that tell nothing may be off from what the draw predicts


class Draw(NamedTuple):
    """What was drawn: the share that is taken, which of the numbers looked at are kept, and what these are multiplied with."""

    share: float
    kept: Array
    factor: float


def dropout(evidence: Evidence) -> Explanation | None:
    """The explanation, or None where the numbers do not speak for it."""
    return _of_output(evidence) or _of_weights(evidence)


def _of_output(evidence: Evidence) -> Explanation | None:
    """The output itself is what was drawn from."""
    judged, view = evidence.judged, evidence.view
    meant, target = judged.found.output, evidence.target(evidence.meant, evidence.view)
    draw = drawn(target, meant, judged.allowed)
    if draw is None or view.shape != evidence.meant.whole.shape:
        return None
    factor = numpy.where(draw.kept, draw.factor, 0)

    def combine(weights: Array, given: object) -> Array:  # noqa: ARG001  # only of all rows
        return meant * factor

    return _explanation(evidence, draw.share, evidence.meant.but(combine=combine), view)


def _of_weights(evidence: Evidence) -> Explanation | None:
    """The weights of the head that departs most are what was drawn from."""
    one = telling(evidence)
    head = View(one.items, one.heads, evidence.view.rows)
    item, place = (
        int(numpy.flatnonzero(axis == some)[0]) for axis, some in zip(evidence.view[:2], one[:2], strict=True)
    )
    told = [recovered_weights(evidence, (item, place, row)) for row in range(len(head.rows))]
    known = [row for row, weights in enumerate(told) if weights is not None]
    if not known:
        return None
    found, meant, allowed = (numpy.stack([told[row][part] for row in known]) for part in range(3))  # type: ignore[index]  # these are told
    draw = drawn(found, meant, allowed)
    if draw is None or not _others_are_as_far(evidence, draw.share):
        return None
    sure = meant > SURE * allowed
    kept = numpy.where(sure & ~draw.kept, 0, meant * draw.factor)
    view = head._replace(rows=head.rows[known])
    added = numpy.zeros((1, 1, evidence.meant.queries, evidence.meant.keys))
    added[0, 0, view.rows] = kept - meant
    return _explanation(evidence, draw.share, evidence.meant.but(added=added), view)


def drawn(found: Array, meant: Array, allowed: Array) -> Draw | None:
    """Whether each number is 0 or what was meant times 1 / (1 − p), and how often it is 0; None where it is not so."""
    with numpy.errstate(divide="ignore", invalid="ignore"):
        ratio, doubt = found / meant, allowed / abs(meant)
    sure = (doubt < 1 / SURE) & numpy.isfinite(ratio)
    count = int(sure.sum())
    kept = abs(ratio) > numpy.maximum(2 * doubt, 0.5)
    if count < LEAST or not (sure & kept).any() or (sure & kept).sum() == count:
        return None
    weight = 1 / doubt[sure & kept] ** 2
    factor = float((ratio[sure & kept] * weight).sum() / weight.sum())
    zeros = 1 - float((sure & kept).sum()) / count
    is_scaled = factor > 1 + UNSCALED
    share = 1 - 1 / factor if is_scaled else zeros
    if not _falls_anywhere(sure, kept, share):
        return None
    right = numpy.where(kept, abs(ratio - factor) <= 2 * doubt + 1e-6, abs(ratio) <= 2 * doubt)
    spread = SIGMAS * math.sqrt(max(share * (1 - share), 1e-3) / count)
    if not right[sure].all() or abs(zeros - share) > spread or share <= 0 or factor < 1 - UNSCALED:
        return None
    return Draw(share, kept | ~sure, factor)


def _falls_anywhere(sure: Array, kept: Array, share: float) -> bool:
    """Whether numbers of one row are taken each by itself, and not the rows as a whole: as many rows must be mixed as a draw mixes."""
    count = sure.sum(-1)
    chance = numpy.maximum(1 - share**count - (1 - share) ** count, 0)  # that a row is mixed
    taken = (sure & ~kept).sum(-1)
    mixed = int(((taken > 0) & (taken < count)).sum())
    spread = SIGMAS * math.sqrt(max(float((chance * (1 - chance)).sum()), 1.0))
    return mixed >= float(chance.sum()) - spread


def _others_are_as_far(evidence: Evidence, share: float) -> bool:
    """Whether the mean square of the error is what such a draw gives, Σ w² v² p / (1 − p), and the error has no direction."""
    judged = evidence.judged
    squares = judged.found.weights**2 @ value_of(evidence.meant, evidence.view) ** 2
    error = evidence.target(evidence.meant, evidence.view) - judged.found.output
    if not numpy.isfinite(error).all():
        return False
    expected = float((squares * share / (1 - share)).sum())
    return expected / ODD <= float((error**2).sum()) <= expected * ODD


def _explanation(evidence: Evidence, share: float, recipe: Recipe, view: View) -> Explanation | None:
    judged = evidence.judge(recipe, view)
    if not judged.fine.all():
        return None
    everywhere = numpy.ones(judged.fine.shape, bool)
    return Explanation((Named("dropout", share),), recipe, Region(), judged, left_of(judged, everywhere), 0.0, True)
