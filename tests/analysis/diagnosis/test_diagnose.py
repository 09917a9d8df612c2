"""A diagnosis from arrays to names, against attention that is written in torch."""

from __future__ import annotations

import numpy
import pytest
import torch
from correct_attention import WAYS
from diagnosed import asked, counted, judged, planted_cases
from planted_attention import PLANTED, problem

from attnviz import AttnvizError, diagnose

EACH = [(name, bug) for name, bugs in PLANTED.items() for bug in bugs]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", ["scale-missing", "groups-tiled", "causal-hides-self"])
def test_a_planted_mistake_is_named_alone(name):
    (meant, output), *_ = planted_cases(name, PLANTED[name][0], 1)
    found = asked(meant, output)
    assert judged(name, found) == "alone"
    assert found.mistakes[0].after <= found.tolerance < found.mistakes[0].before == found.error


def test_a_correct_output_is_correct():
    meant = problem(numpy.random.default_rng(0))
    for way in WAYS:
        if (output := way(meant)) is not None:
            found = asked(meant, output)
            assert (found.verdict, found.mistakes, found.departs) == ("correct", (), None)
            assert found.error <= found.tolerance


def test_garbage_is_unknown():
    random = numpy.random.default_rng(0)
    query, key, value, output = (random.standard_normal((2, 9, 8)).astype("float32") for _ in range(4))
    found = diagnose(query, key, value, output)
    assert (found.verdict, found.mistakes) == ("unknown", ())
    assert found.departs is not None
    assert found.departs.heads == "all"


def test_both_an_output_and_weights_are_refused():
    ones = numpy.ones((1, 2, 2))
    with pytest.raises(AttnvizError, match="give one of the two"):
        diagnose(ones, ones, ones, ones, weights=ones)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "bug"), EACH, ids=lambda one: getattr(one, "__name__", one))
def test_a_planted_mistake_is_named_in_many_problems(name, bug):
    found = counted(name, bug, 100)
    assert found["alone"] + found["among"] >= 0.995 * sum(found.values()), found
