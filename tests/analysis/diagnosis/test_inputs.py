"""What is asked is checked, and read as what was meant."""

from __future__ import annotations

import numpy
import pytest
import torch

from attnviz import AttnvizError, diagnose
from attnviz.analysis.diagnosis.inputs import asked

RANDOM = numpy.random.default_rng(0)
QUERY, KEY, VALUE = (RANDOM.standard_normal((2, 4, 6)) for _ in range(3))
RULE = dict.fromkeys(("scale", "query_offset", "window", "softcap", "mask", "bias", "sinks")) | {"causal": False}
STILL = dict.fromkeys(("theta", "dims", "interleaved", "positions"))
TURNED = {"theta": 1e4, "dims": None, "interleaved": False, "positions": None}


def test_one_head_without_its_axis_and_a_batch_are_the_same():
    one = asked(QUERY[0], KEY[0], VALUE[0], QUERY[0], None, RULE, STILL)
    many = asked(*(array[None, :1] for array in (QUERY, KEY, VALUE, QUERY)), None, RULE, STILL)
    assert one.output.shape == many.output.shape == (1, 1, 4, 6)


def test_weights_stand_for_an_output_of_values_that_are_one_each():
    found = asked(QUERY, KEY, VALUE, None, numpy.zeros((2, 4, 4)), RULE, STILL)
    assert found.meant.only_weights
    assert found.meant.value.shape == (1, 2, 4, 4)


def test_arrays_of_the_rule_get_four_axes():
    arrays = {"mask": numpy.ones((4, 4), bool), "bias": numpy.zeros((2, 4, 1)), "sinks": [0.5, 1.0]}
    meant = asked(QUERY, KEY, VALUE, QUERY, None, RULE | arrays, STILL).meant
    assert (meant.mask.shape, meant.bias.shape, meant.sinks.tolist()) == ((1, 1, 4, 4), (1, 2, 4, 4), [0.5, 1.0])


def test_the_type_of_the_output_is_kept():
    tensors = [torch.from_numpy(array) for array in (QUERY, KEY, VALUE, QUERY)]
    assert asked(*tensors[:3], tensors[3].bfloat16(), None, RULE, STILL).dtype == "bfloat16"


def test_queries_turn_from_their_own_position_on():
    few = QUERY[:, :2]
    rule = RULE | {"query_offset": 2}
    meant = asked(few, KEY, VALUE, few, None, rule, TURNED).meant
    assert meant.turn_query[0].positions == (2, 3)
    given = asked(few, KEY, VALUE, few, None, rule, TURNED | {"positions": [5, 6, 7, 9]}).meant
    assert (given.turn_query[0].positions, given.turn_key[0].positions) == ((7, 9), (5, 6, 7, 9))
    beyond = asked(few, KEY, VALUE, few, None, RULE | {"query_offset": 7}, TURNED).meant
    assert beyond.turn_query[0].positions == (7, 8)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "neither an output nor weights"),
        ({"output": QUERY, "weights": QUERY}, "give one of the two"),
        ({"output": QUERY.swapaxes(0, 1)}, "but query, key and value make one of"),
        ({"output": QUERY.ravel()}, "but query, key and value make one of"),
        ({"output": QUERY[:1]}, "but query, key and value make one of"),
        ({"output": QUERY, "rope_theta": 0.0}, "rope_theta is 0"),
        ({"output": QUERY, "rope_theta": 10.0, "rope_dims": 3}, "rope_dims is 3"),
        ({"output": QUERY, "rope_dims": 4}, "rope_dims says how RoPE turns, but there is no rope_theta"),
        ({"output": QUERY, "rope_interleaved": True}, "rope_interleaved says how RoPE turns"),
        ({"output": QUERY, "positions": [0, 1, 2]}, "positions says how RoPE turns"),
        ({"output": QUERY, "rope_theta": 10.0, "positions": [1, 2]}, "positions has the shape"),
        ({"output": QUERY, "rope_theta": 10.0, "positions": range(4), "query_offset": 3}, "reach beyond the 4 keys"),
        ({"output": QUERY, "sinks": [1.0]}, "one logit per head"),
        ({"output": QUERY, "mask": numpy.ones((3, 4), bool)}, "does not fit the scores"),
        ({"output": QUERY, "dtype": "float8"}, "expected one of"),
    ],
)
def test_what_does_not_fit_is_refused(given, told):
    with pytest.raises(AttnvizError, match=told):
        diagnose(QUERY, KEY, VALUE, **given)


def test_the_exchange_that_would_fit_is_told():
    with pytest.raises(AttnvizError) as caught:
        diagnose(QUERY, KEY, VALUE, QUERY.swapaxes(0, 1))
    assert caught.value.hint == "exchange its axes 0 and 1, and it fits"
    with pytest.raises(AttnvizError) as caught:
        diagnose(QUERY, KEY, VALUE, QUERY.reshape(4, 12))
    assert caught.value.hint == "its heads are joined: .reshape(4, 2, 6).swapaxes(-3, -2) splits them"
    with pytest.raises(AttnvizError) as caught:
        diagnose(QUERY, KEY, VALUE, QUERY.reshape(8, 6))
    assert caught.value.hint == "it holds as many numbers: give it this shape"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (numpy.full((2, 4, 6), numpy.nan), "query is not finite"),
        (numpy.zeros(3), "expected \\(tokens, d\\)"),
        (numpy.zeros((1, 1, 2, 4, 6)), "query, key and value have 5"),
    ],
)
def test_a_query_that_cannot_be_is_refused(query, told):
    with pytest.raises(AttnvizError, match=told):
        diagnose(query, KEY, VALUE, QUERY)


def test_five_axes_are_too_many():
    five = numpy.zeros((1, 1, 2, 4, 6))
    with pytest.raises(AttnvizError, match="items, heads, tokens, d"):
        diagnose(five, five, five, five)
