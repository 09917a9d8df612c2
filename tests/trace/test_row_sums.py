"""Rows of weights that do not add up to 1: how many, and where the furthest stands."""

from __future__ import annotations

import numpy
import pytest
import torch

from attnviz.attention.formula import attend
from attnviz.attention.rule import Rule
from attnviz.trace.layer import Layer
from attnviz.trace.row_sums import RowSums, row_sums

RANDOM = numpy.random.default_rng(3)


def whole(heads=2, queries=4, keys=4):
    return torch.softmax(torch.from_numpy(RANDOM.standard_normal((heads, queries, keys))), -1).numpy()


def test_nothing_is_told_where_all_rows_add_up():
    assert row_sums([Layer(weights=whole()), Layer(weights=whole().astype(numpy.float16), index=1)]) is None


def test_nothing_is_told_of_layers_that_are_computed():
    query = RANDOM.standard_normal((2, 3, 4))
    assert row_sums([Layer(query, query, query, Rule(sinks=numpy.zeros(2)))]) is None


def test_the_furthest_row_is_told_and_how_many_there_are():
    damaged = whole()
    damaged[1, 2] *= 0.5
    damaged[0, 3] *= 0.75
    told = row_sums([Layer(weights=whole()), Layer(weights=damaged, index=5)])
    assert told[:6] == (2, 16, "layer 5", 1, 2, pytest.approx(0.5))
    assert told.told == ("2 of 16 rows of weights do not add up to 1: in layer 5, head 1, query 2 they add up to 0.5")


def test_a_sink_is_told_and_its_share():
    query = RANDOM.standard_normal((2, 5, 4))
    steps = attend(query, query, query, sinks=numpy.array([0.0, -100.0]))
    told = row_sums([Layer(weights=steps.weights)])
    sums = steps.weights[0].sum(axis=-1)
    assert (told.off, told.rows, told.head, told.query) == (5, 10, 0, int(sums.argmin()))
    assert told.sum == pytest.approx(sums.min())


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_dropout_is_told(kind):
    torch.manual_seed(0)
    weights = torch.nn.functional.dropout(torch.full((1, 30, 40), 1 / 40), 0.1).to(kind)
    told = row_sums([Layer(weights=weights)])
    assert told.off > 20


def test_a_query_that_sees_no_key_is_no_row():
    weights = numpy.array([[[0.0, 0.0], [0.5, 0.5]]])
    mask = numpy.array([[False, False], [True, True]])
    assert row_sums([Layer(weights=weights, rule=Rule(mask=mask))]) is None
    assert row_sums([Layer(weights=weights)]) == RowSums(1, 2, "layer 0", 0, 0, 0.0)
