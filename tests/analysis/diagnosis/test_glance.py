"""The first look at a large problem sees each row that departs, and no other."""

from __future__ import annotations

import numpy
import pytest
import torch
from diagnosed import RICH, asked_of
from planted_attention import attention, problem

from attnviz.analysis.diagnosis import glance as module
from attnviz.analysis.diagnosis.glance import glance
from attnviz.analysis.diagnosis.inputs import asked

SINGLE = 2.0**-24


@pytest.fixture
def meant():
    return problem(numpy.random.default_rng(5), **RICH[0])


@pytest.mark.parametrize("options", RICH)
def test_what_torch_computes_departs_nowhere(options):
    meant = problem(numpy.random.default_rng(5), **options)
    seen = glance(asked_of(meant, attention(meant)), SINGLE)
    assert seen.apart.shape == attention(meant).shape[:3]
    assert not seen.departs.any()
    assert seen.apart.max() < 1e-5


def test_rows_that_depart_or_are_not_finite_are_seen_in_each_item_and_head(meant):
    output = attention(meant).clone()
    output[1, 2, 3, 0] += 0.01
    output[0, 1, 4] = float("nan")
    seen = glance(asked_of(meant, output), SINGLE)
    assert numpy.argwhere(seen.departs).tolist() == [[0, 1, 4], [1, 2, 3]]
    assert seen.apart[0, 1, 4] == numpy.inf


def test_blocks_of_rows_are_the_same_as_all_at_once(meant, monkeypatch):
    output = attention(meant).clone()
    output[1, 0, 5] += 1
    whole = glance(asked_of(meant, output), SINGLE)
    monkeypatch.setattr(module, "BLOCK", 2 * meant.keys)
    numpy.testing.assert_allclose(glance(asked_of(meant, output), SINGLE).apart, whole.apart, atol=1e-6)


def test_of_more_scores_than_it_may_take_it_looks_at_each_nth_row_and_the_last(meant, monkeypatch):
    scores = attention(meant).shape[0] * meant.heads * meant.queries * meant.keys
    monkeypatch.setattr(module, "CELLS", scores // 3)
    rows = glance(asked_of(meant, attention(meant)), SINGLE).rows.tolist()
    step = rows[1]
    assert step in (3, 4)  # a third is no whole number of rows
    assert rows == sorted({*range(0, meant.queries, step), meant.queries - 1})


def test_weights_are_compared_as_they_are():
    tokens = torch.randn(1, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    weights = (tokens @ tokens.mT).softmax(-1)
    nothing = dict.fromkeys(("query_offset", "window", "softcap", "mask", "bias", "sinks")) | {"causal": False}
    rotation = dict.fromkeys(("theta", "dims", "interleaved", "positions"))

    def departs():
        problem = asked(*[tokens.numpy()] * 3, None, weights.numpy(), nothing | {"scale": 1.0}, rotation)
        return numpy.argwhere(glance(problem, SINGLE).departs).tolist()

    assert departs() == []
    weights[0, 1, 2] = 0
    assert departs() == [[0, 1, 2]]
