"""One attention layer: its shapes, its steps, its heads."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from traces_of_all_kinds import cross_layer, normal, self_layer

from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.trace.layer import Layer
from attnviz.trace.projection import Projection
from attnviz.trace.trace import Trace

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test


@pytest.mark.parametrize(
    "rule", [Rule(), Rule(causal=True, window=2), self_layer().rule], ids=["plain", "window", "full"]
)
def test_each_head_alone_equals_the_same_head_of_all(rule):
    layer = replace(self_layer(), rule=rule)
    together = layer.steps()
    for head in range(layer.heads):
        for one, every in zip(layer.steps(head), together, strict=True):
            assert_allclose(one, every[head], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (3, 3), (1, 3, 3), (4, 3, 3), (4, 1, 3), (1, 1, 1)])
def test_each_head_takes_its_part_of_the_rules_arrays(shape):
    rule = Rule(bias=normal(*shape), mask=normal(*shape) < 1)
    layer = Layer(normal(4, 3, 2), normal(2, 3, 2), normal(2, 3, 2), rule)
    layer.check()
    for head in range(4):
        assert_allclose(layer.steps(head).weights, layer.steps().weights[head], rtol=1e-12, atol=1e-12)


def test_a_head_reads_the_key_head_of_its_group():
    layer = Layer(normal(6, 3, 2), normal(2, 3, 2), normal(2, 3, 2))
    assert [layer.kv_head(head) for head in range(6)] == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(("heads", "key_heads"), [(1, 2), (3, 2)])
def test_heads_that_do_not_divide_are_told_for_one_head_too(heads, key_heads):
    with pytest.raises(AttnvizError, match=f"{heads} query head"):
        Layer(normal(heads, 3, 2), normal(key_heads, 3, 2), normal(key_heads, 3, 2)).steps(heads - 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": normal(2, 3, 4)}, "query has 2 dimensions but key has 4"),
        ({"value": normal(2, 4, 5)}, "key has 3 tokens but value has 4"),
        ({"key": normal(3, 3, 2), "value": normal(3, 3, 2)}, "4 query heads"),
        ({"rule": Rule(mask=numpy.ones((2, 3), dtype=bool))}, r"mask has the shape \(2, 3\)"),
        ({"rule": Rule(bias=numpy.ones((2, 3)))}, r"bias has the shape \(2, 3\)"),
        ({"rule": Rule(bias=numpy.ones((3, 5)))}, r"bias has the shape"),
        ({"rule": Rule(sinks=normal(2))}, "sinks has the shape"),
        ({"query": normal(4, 2, 2), "rule": Rule(causal=True)}, "2 queries and 3 keys"),
    ],
)
def test_a_layer_that_does_not_fit_together_says_so_before_it_is_computed(change, words):
    with pytest.raises(AttnvizError, match=words):
        replace(self_layer(), **change).check()


@pytest.mark.parametrize("index", [-1, 10**6, 10**30])
def test_a_layer_has_a_number_that_can_be_asked_for(index):
    with pytest.raises(AttnvizError, match=f"index is {index}: expected a whole number from 0 to 999,999"):
        replace(self_layer(), index=index)


def test_all_arrays_are_of_this_machine():
    other = normal(3, 8).astype(">f8")
    layer = replace(self_layer(), embeddings=other, positions=other, projections={"key": Projection(other, other[0])})
    held = (layer.embeddings, layer.positions, layer.projections["key"].weight, layer.projections["key"].bias)
    assert all(array.dtype.isnative for array in held)


@pytest.mark.parametrize("shape", [(3,), (1, 2, 3, 4), ()])
def test_a_layer_needs_heads_of_tokens(shape):
    with pytest.raises(AttnvizError, match="query has the shape"):
        Layer(numpy.ones(shape), normal(2, 3, 2), normal(2, 3, 2))


def test_one_head_may_come_without_its_axis():
    assert Layer(normal(3, 2), normal(4, 2), normal(4, 5)).key.shape == (1, 4, 2)


def test_inputs_are_embeddings_and_positions():
    layer = self_layer()
    assert_array_equal(layer.inputs, layer.embeddings + layer.positions)
    assert_array_equal(replace(layer, positions=None).inputs, layer.embeddings)
    assert replace(layer, embeddings=None).inputs is None


def test_the_outputs_of_all_heads_are_projected_side_by_side():
    layer = self_layer()
    outputs, projection = layer.steps().output, layer.projections["output"]
    side_by_side = numpy.concatenate(list(outputs), axis=-1)
    assert_array_equal(layer.concat(outputs), side_by_side)
    assert_allclose(layer.projected(layer.concat(outputs)), side_by_side @ projection.weight + projection.bias)
    assert replace(layer, projections={}).projected(side_by_side) is None


def test_the_scale_of_a_layer_is_what_its_rule_says_or_the_dimensions():
    assert self_layer().scale == 0.3
    assert cross_layer().scale == pytest.approx(3**-0.5)


def test_attention_beyond_the_memory_is_refused_before_it_is_computed():
    query = numpy.broadcast_to(numpy.float32(1), (64, 1_000_000, 1))
    with pytest.raises(AttnvizError, match="attention of 1,000,000 queries over 1,000,000 keys needs"):
        Layer(query, query, query).steps()


def test_one_query_is_that_row_of_the_whole():
    mask = numpy.tril(numpy.ones((2, 5, 5), dtype=bool), k=2)
    rule = Rule(
        causal=True,
        window=3,
        softcap=2.0,
        mask=mask,
        bias=numpy.random.default_rng(1).normal(size=(5, 5)),
        sinks=[0.1, 0.2],
    )
    arrays = numpy.random.default_rng(0).normal(size=(3, 2, 5, 4))
    layer = Layer(*arrays, rule)
    for head in range(2):
        for query in range(5):
            for one, whole in zip(layer.steps(head, query), layer.steps(head), strict=True):
                assert_allclose(one[0], whole[query], rtol=1e-12)


@pytest.mark.parametrize("head", [-1, 2, 99])
def test_a_head_that_is_not_there_is_told(head):
    with pytest.raises(AttnvizError, match=f"head {head} does not exist: the layer has heads 0 to 1"):
        Layer(*numpy.ones((3, 2, 3, 4))).steps(head)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"slopes": (0.5,)}, "1 slopes for 4 heads: give one per head"),
        ({"slopes": (0.5, 1, 2, numpy.inf)}, "slopes are .*: they must be finite numbers"),
        ({"index": 1.0}, "a layer needs a number and a name, got 1.0"),
        ({"index": True}, "a layer needs a number and a name, got True"),
        ({"name": None}, "a layer needs a number and a name, got 3, None"),
        ({"kind": "other"}, "^a layer's kind is 'other': expected self or cross$"),
        ({"kind": "x" * 100_000}, "^a layer's kind is 'x{39}…: expected self or cross$"),
        ({"kind": 7}, "^a layer's kind is 7: expected self or cross$"),
        ({"tokens": ("a", 2)}, "tokens must be strings"),
        ({"key": numpy.ones((2, 0, 2)), "value": numpy.ones((2, 0, 5))}, r"key is empty: its shape is \(2, 0, 2\)"),
    ],
)
def test_what_makes_no_layer_is_one_clear_line(facts, words):
    with pytest.raises(AttnvizError, match=words):
        replace(self_layer(), **facts)


@pytest.mark.parametrize(
    ("name", "index", "stack", "title"),
    [
        ("", 2, "", "layer 2"),
        ("cross 2", 2, "cross", "cross 2"),
        ("vision 0", 0, "vision", "vision 0"),
        ("cross 3", 2, "", "layer 2"),
        ("h.2.attn", 2, "", "layer 2"),
    ],
)
def test_a_layer_is_called_by_its_stack_and_number(name, index, stack, title):
    layer = replace(self_layer(), name=name, index=index)
    assert (layer.stack, layer.title) == (stack, title)


def test_true_and_false_are_numbers():
    layer = Layer(numpy.eye(3, dtype=bool), numpy.eye(3), numpy.eye(3))
    assert layer.query.dtype.kind == "f"
    assert_allclose(layer.steps().scores[0], numpy.eye(3))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule(mask=numpy.ones((2, 3), dtype=bool)), r"mask has the shape \(2, 3\), .* scores' \(4, 3, 3\)"),
        (Rule(bias=numpy.ones((2, 1, 3))), r"bias has the shape \(2, 1, 3\), .* scores' \(4, 3, 3\)"),
        (Rule(bias=numpy.ones((1, 4, 3, 3))), r"bias has the shape \(1, 4, 3, 3\), .* scores' \(4, 3, 3\)"),
    ],
)
def test_a_mask_or_bias_that_fits_no_scores_is_told_at_once(rule, words):
    with pytest.raises(AttnvizError, match=words):
        replace(self_layer(), rule=rule)


@pytest.mark.parametrize("name", ["embeddings", "positions"])
def test_truths_in_what_a_layer_started_from_are_numbers(name):
    """As those of query, key and value: explain shows them as 0 and 1."""
    vectors = numpy.zeros((1, 2, 2))
    truths = numpy.array([[True, False], [False, True]])
    started = {"embeddings": truths} | {name: truths}
    layer = Layer(vectors, vectors, vectors, **started)
    assert getattr(layer, name).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert "1" in str(Trace(("a", "b"), (layer,)).explain())


def test_no_query_stands_beyond_the_positions_that_are_exact():
    arrays = numpy.ones((3, 1, 3, 2))
    assert Layer(*arrays, Rule(causal=True, query_offset=2**53 - 2)).steps(0, 2).weights.shape == (1, 3)
    with pytest.raises(AttnvizError, match="the last query stands at 9007199254740993: positions are at most 2⁵³"):
        Layer(*arrays, Rule(causal=True, query_offset=2**53 - 1))
