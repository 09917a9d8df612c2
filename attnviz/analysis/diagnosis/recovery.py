"""The weights that an output tells: where a query sees no more keys than a value has numbers, output · V⁺ = weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy

from attnviz.analysis.diagnosis.computing import value_of
from attnviz.analysis.diagnosis.evidence import Evidence
from attnviz.analysis.diagnosis.recipe import Array, View

STEADY = 1e4  # condition of the values beyond which rounding hides the weights


class Recovered(NamedTuple):
    """Of one row, (keys,): the weights that the output tells, those that were meant, and how far rounding takes them."""

    found: Array
    meant: Array
    allowed: Array


def recovered_weights(evidence: Evidence, place: tuple[int, int, int]) -> Recovered | None:
    """Of the row at ``place`` of the view; None where the output does not tell them."""
    item, head, row = place
    view = evidence.view
    one = View(view.items[[item]], view.heads[[head]], view.rows[[row]])
    value = value_of(evidence.meant, one)[0, 0]  # (keys, d_v)
    target = evidence.target(evidence.meant, one)[0, 0, 0]
    meant = evidence.judged.found.weights[place]
    places = numpy.arange(len(value)) if len(value) <= value.shape[1] else numpy.flatnonzero(meant)
    if not 0 < len(places) <= value.shape[1] or not numpy.isfinite(target).all():
        return None
    inverse, condition = _inverse(evidence, value[places], (item, head, places.tobytes()))
    if condition > STEADY:
        return None
    found, allowed = numpy.zeros(len(value)), numpy.zeros(len(value))
    found[places] = target @ inverse
    allowed[places] = numpy.sqrt(evidence.judged.allowed[place] ** 2 @ inverse**2)
    return Recovered(found, meant, allowed)


def _inverse(evidence: Evidence, value: Array, name: tuple[int, int, bytes]) -> tuple[Array, float]:
    """V⁺, (d_v, keys), and its condition; of all rows of a head that see the same keys, it is the same."""
    memo = evidence.meant.memo
    if ("inverse", name) not in memo:
        left, sizes, right = numpy.linalg.svd(value, full_matrices=False)
        condition = float(sizes[0] / sizes[-1]) if sizes[-1] > 0 else numpy.inf
        memo["inverse", name] = ((right.T / numpy.maximum(sizes, 1e-300)) @ left.T, condition)
    found: tuple[Array, float] = memo["inverse", name]
    return found


def recovered_rows(evidence: Evidence, item: int, head: int) -> Array | None:
    """The weights of all rows of a head, (rows, keys), by their places in the view; None where the output does not tell them."""
    rows = [recovered_weights(evidence, (item, head, row)) for row in range(len(evidence.view.rows))]
    return None if any(one is None for one in rows) else numpy.stack([one.found for one in rows if one is not None])
