"""The pooled map of weights that are there is that of the attention which made them."""

from __future__ import annotations

import numpy
import pytest
import torch

from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.pooling import known_weights
from attnviz.pooling.pool import pool
from attnviz.trace.layer import Layer
from tests.support.weights_alone import layer_alone

RANDOM = numpy.random.default_rng(5)
FIELDS = ("mean", "maximum", "visible", "entropy", "largest", "largest_key", "first_key", "sink")
RULES = {
    "plain": Rule(),
    "causal": Rule(causal=True),
    "window": Rule(causal=True, window=5),
    "mask": Rule(mask=RANDOM.random((3, 23, 23)) < 0.6),
    "blind": Rule(mask=numpy.arange(23)[:, None] > numpy.ones(23)),
    "sinks": Rule(causal=True, sinks=numpy.array([1.0, 0.0, -1.0])),
    "scale and cap": Rule(scale=3.0, softcap=2.0),
}


def a_layer(rule, queries=23):
    query, key = RANDOM.standard_normal((3, queries, 4)), RANDOM.standard_normal((1, 23, 4))
    return Layer(query, key, key, rule)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("cells", [1, 4, 100])
@pytest.mark.parametrize("held", [numpy.asarray, torch.as_tensor], ids=["numpy", "torch"])
def test_each_measure_is_that_of_the_whole_layer(rule, cells, held, monkeypatch):
    monkeypatch.setattr(known_weights, "CELLS", 100)  # several blocks of rows
    layer = a_layer(rule)
    alone = layer_alone(layer)
    alone = Layer(weights=held(alone.weights), rule=alone.rule)
    part = {"queries": range(3, 20), "keys": range(2, 23)}
    for where in ({}, part):
        wanted, found = pool(layer, [2, 0], cells, **where), pool(alone, [2, 0], cells, **where)
        assert (found.heads, found.cell) == (wanted.heads, wanted.cell)
        for name in FIELDS:
            ours = getattr(found, name)
            assert type(ours) is type(alone.weights), name
            numpy.testing.assert_allclose(numpy.asarray(ours), getattr(wanted, name), atol=1e-9, err_msg=name)


def test_more_keys_than_queries_are_pooled_too():
    layer = a_layer(Rule(), queries=6)
    wanted, found = pool(layer, cells=3), pool(layer_alone(layer), cells=3)
    numpy.testing.assert_allclose(found.mean, wanted.mean, atol=1e-12)


def test_progress_is_told_head_by_head():
    told = []
    pool(layer_alone(a_layer(Rule())), report=lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"heads": [3]}, "there is no head 3"),
        ({"cells": 0}, "a map needs at least 1"),
        ({"keys": range(20, 30)}, "there are 23 keys"),
    ],
)
def test_what_is_out_of_range_is_refused_as_of_any_layer(arguments, words):
    with pytest.raises(AttnvizError, match=words):
        pool(layer_alone(a_layer(Rule())), **arguments)


def test_what_is_no_weight_is_told():
    weights = numpy.full((1, 4, 4), 0.25)
    weights[0, 3, 1] = numpy.nan
    with pytest.raises(AttnvizError, match="head 0, query 3, key 1 is nan"):
        pool(Layer(weights=weights))
