"""Numbers of mistakes are found."""

import numpy
import pytest
from diagnosed import evidence_of, needed
from planted_attention import PLANTED, attention, problem, with_problem

from attnviz.analysis.diagnosis.fitting import fitted
from attnviz.analysis.diagnosis.recipe import Hiding
from attnviz.analysis.diagnosis.registry import Fitted
from attnviz.analysis.diagnosis.search import telling

MEANT = problem(numpy.random.default_rng(2), causal=True, cache=False)


@pytest.mark.parametrize("scale", [0.05, 0.3331, 2.5])
def test_a_scale_is_found(scale):
    evidence = evidence_of(MEANT, attention(MEANT, scale=scale))
    starts = tuple(evidence.meant.scale * 2.0**step for step in range(-6, 7))
    found = fitted(evidence, Fitted(lambda one: evidence.meant.but(scale=one), starts), telling(evidence))
    assert found is not None
    assert found.value == pytest.approx(scale, rel=1e-4)


def test_a_whole_number_is_found():
    evidence = evidence_of(MEANT, with_problem(MEANT, window=4))
    band = evidence.meant.band.__class__
    family = Fitted(lambda one: evidence.meant.but(band=band(one - 1, 0, 0)), (2.0, 3.0, 4.0, 5.0), whole=True)
    assert fitted(evidence, family, telling(evidence)).value == 4


def test_where_many_numbers_explain_the_rows_that_tell_most_all_rows_decide():
    """Two queries, of which the mask hides all keys that they see, or not: what is added moves all keys of a row alike."""
    meant = problem(numpy.random.default_rng(7100003), **needed("mask-too-weak"))
    (bug,) = PLANTED["mask-too-weak"]
    evidence = evidence_of(meant, bug(meant))
    hiding = {"mask": True, "band": False}
    family = Fitted(lambda plus: evidence.meant.but(hiding=Hiding(plus=plus, **hiding)), (-1.0, -2.0, -4.0, -8.0))
    assert fitted(evidence, family, telling(evidence)).value == pytest.approx(-3, rel=1e-5)


def test_where_nothing_is_finite_there_is_none():
    evidence = evidence_of(MEANT, attention(MEANT) * float("nan"))
    assert fitted(evidence, Fitted(lambda one: evidence.meant.but(scale=one), (1.0,)), telling(evidence)) is None
