"""A trace of arrays in memory: shapes, batches, and what does not fit."""

from __future__ import annotations

import numpy
import pytest
import torch

from attnviz import AttnvizError, trace_arrays

NUMBERS = numpy.random.default_rng(1)


def arrays(*shape):
    return [NUMBERS.standard_normal(shape) for _ in range(3)]


def test_one_head_may_come_without_its_axis():
    [layer] = trace_arrays(*arrays(3, 4)).layers
    assert (layer.heads, layer.queries, layer.index) == (1, 3, 0)


def test_an_item_of_a_batch_is_that_text_alone():
    batch = arrays(2, 4, 3, 8)
    mask = NUMBERS.random((2, 1, 3, 3)) < 0.9
    shared = NUMBERS.standard_normal((1, 4, 3, 3))
    whole = trace_arrays(*batch, item=1, mask=mask, bias=shared).layers[0]
    alone = trace_arrays(*(array[1] for array in batch), mask=mask[1], bias=shared[0]).layers[0]
    assert numpy.array_equal(whole.steps().weights, alone.steps().weights)


@pytest.mark.parametrize("item", [None, 0])
def test_a_batch_of_one_needs_no_item(item):
    one = arrays(1, 4, 3, 8)
    assert numpy.array_equal(trace_arrays(*one, item=item).layers[0].query, one[0][0])


def test_tensors_stay_tensors():
    query, key, value = map(torch.tensor, arrays(2, 3, 4))
    layer = trace_arrays(query, key, value, causal=True).layers[0]
    expected = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    assert torch.allclose(layer.steps().output, expected, atol=1e-12)


def test_other_keys_have_names_of_their_own():
    query, (_, key, value) = arrays(2, 3, 4)[0], arrays(2, 5, 4)
    trace = trace_arrays(query, key, value)
    assert (trace.tokens, trace.key_tokens(trace.layers[0])) == (("q0", "q1", "q2"), ("k0", "k1", "k2", "k3", "k4"))
    crossed = trace_arrays(*arrays(2, 3, 4), "a b c", key_tokens=["x", "y", "z"], kind="cross")
    assert crossed.layers[0].kind == "cross"
    assert crossed.key_tokens(crossed.layers[0]) == ("x", "y", "z")


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (arrays(2, 4, 3, 8), {}, "query holds a batch of 2 texts: which one is meant?"),
        (arrays(2, 4, 3, 8), {"item": 2}, "there is no item 2: the batch has 2"),
        (arrays(2, 4, 3, 8), {"item": -1}, "there is no item -1: the batch has 2"),
        (arrays(4, 3, 8), {"item": 0}, "query has no batch, of which item=0 could be one"),
        (arrays(2, 2, 4, 3, 8), {}, "query has the shape .*expected .heads, tokens, d."),
        (arrays(4, 3, 8), {"tokens": "a b"}, "2 tokens but query has 3: give one token for each row"),
        (arrays(4, 3, 8), {"mask": numpy.ones((2, 2), dtype=bool)}, "mask has the shape .2, 2., which does not fit"),
        (arrays(4, 3, 8), {"mask": numpy.ones((3, 3, 4, 3, 3), dtype=bool)}, "mask has the shape"),
        (arrays(4, 3, 8), {"sinks": [1.0]}, "sinks has the shape"),
        (arrays(4, 3, 8), {"scale": float("nan")}, "scale is nan"),
        ([numpy.full((3, 2), numpy.inf)] * 3, {}, "query is not finite: inf at"),
        ([[["a"]], [["b"]], [["c"]]], {}, "query"),
        ([[[1.0], [1.0, 2.0]]] * 3, {}, "query"),
        (arrays(4, 3, 8), {"kind": 3}, "kind is 3"),
        (arrays(4, 3, 8), {"tokens": 5}, "tokens are int: expected a text, or a list of tokens"),
        (arrays(4, 3, 8), {"tokens": [1, 2, 3]}, "tokens must be strings"),
        (arrays(4, 3, 8), {"kind": "crossed"}, "kind"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(given, options, message):
    with pytest.raises(AttnvizError, match=message):
        trace_arrays(*given, **options)


def test_more_queries_than_keys_and_a_causal_rule_are_not_guessed():
    query, (_, key, value) = arrays(2, 3, 4)[0], arrays(2, 5, 4)
    with pytest.raises(AttnvizError, match="at which key does the first query stand"):
        trace_arrays(query, key, value, causal=True)
