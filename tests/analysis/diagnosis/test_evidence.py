"""Row by row, whether rounding explains a difference."""

from __future__ import annotations

import numpy
import torch
from diagnosed import evidence_of
from planted_attention import attention, problem

from attnviz.analysis.diagnosis.evidence import usual

MEANT = problem(numpy.random.default_rng(1), causal=True, cache=False, mask=False)


def changed(row: int, number: float) -> torch.Tensor:
    output = attention(MEANT).clone()
    output[0, 0, row] = number
    return output


def test_a_row_that_is_off_is_found_and_no_other():
    evidence = evidence_of(MEANT, changed(3, 0.5))
    assert numpy.argwhere(~evidence.judged.fine).tolist() == [[0, 0, 3]]
    error, allowed = evidence.worst(evidence.judged)
    assert error > allowed > 0


def test_a_row_that_is_not_finite_is_endlessly_off():
    evidence = evidence_of(MEANT, changed(2, float("nan")))
    assert evidence.judged.apart[0, 0, 2] == numpy.inf
    assert evidence.left(evidence.meant, evidence.view) == numpy.inf


def test_a_small_row_that_is_off_is_told_by_its_own_error():
    """Where the largest error is no more than rounding allows elsewhere."""
    evidence = evidence_of(MEANT, attention(MEANT))
    judged = evidence.judged
    fine = numpy.zeros_like(judged.fine)
    assert evidence.worst(judged._replace(fine=fine, difference=judged.allowed / 2)) is not None


def test_a_row_that_a_mistake_hides_may_hold_what_code_leaves_there():
    evidence = evidence_of(MEANT, changed(0, float("nan")))
    hides_self = evidence.meant.but(band=evidence.meant.band.__class__(numpy.inf, -1, 0))
    assert evidence.judge(hides_self, evidence.view).fine[0, 0, 0]


def test_rounding_is_noise():
    assert usual(10_000) < 0.25 < usual(4)
