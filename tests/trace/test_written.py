"""The steps of a generation, told again of a trace."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy
import pytest

from attnviz import AttnvizError, Layer, Rule, Trace
from attnviz.trace.generation import Generation
from attnviz.trace.written import Sampling, no_step, require_positions, written_steps

DRAW = numpy.random.default_rng(0)


def layer(queries, keys, name="", kind="self", **options):
    shapes = (2, queries, 3), (1, keys, 3), (1, keys, 3)
    rule = Rule(causal=True) if kind == "self" else Rule()
    return Layer(*(DRAW.normal(size=shape) for shape in shapes), rule, 0, name, kind, **options)


def test_only_what_asks_for_a_draw_draws():
    assert not Sampling(seed=3).draws
    assert all(Sampling(**one).draws for one in ({"temperature": 1.0}, {"top_k": 1}, {"top_p": 1.0}))


def test_each_step_has_what_chose_it_and_the_rows_so_far():
    predictions = [(("p", 0.1),), (("x", 0.2),), (("y", 0.3),)]
    trace = Trace(("a", "b", "x"), (layer(3, 3),), {}, predictions, Generation(("x", "y"), (0.2, 0.3)))
    first, second = written_steps(trace)
    assert (first.step, first.token, first.probability, first.predictions) == (1, "x", 0.2, predictions[1])
    assert (second.token, second.predictions) == ("y", predictions[2])
    [rows] = first.rows(1)
    assert (rows.tokens, rows.key_tokens) == (("b",), ("a", "b"))
    weights = trace.layers[0].steps().weights
    numpy.testing.assert_allclose(rows.steps().weights, weights[:, 1:2, :2])
    [rows] = second.rows(9)
    numpy.testing.assert_allclose(rows.steps().weights, weights)
    no_step(first)


def test_a_cross_layer_reads_all_of_its_text_from_the_first_step_on():
    encoder = layer(4, 4, "encoder 0")
    decoder = layer(2, 2, "decoder 0", tokens=("s", "x"))
    cross = layer(2, 4, "cross 0", "cross", tokens=("s", "x"), key_tokens=("a", "b", "c", "d"))
    trace = Trace(("a", "b", "c", "d"), (encoder, decoder, cross), {}, (), Generation(("x", "y")))
    first, _ = written_steps(trace)
    assert (math.isnan(first.probability), first.predictions) == (True, ())
    own, other = first.rows(5)
    assert (own.tokens, own.key_tokens) == (("s",), ("s",))
    assert (other.tokens, other.key_tokens) == (("s",), ("a", "b", "c", "d"))


@pytest.mark.parametrize(
    ("before", "tokens", "said", "hint"),
    [
        (1, 65, "1 token before and 65", "ask for at most 64"),
        (64, 1_000, "64 tokens before and 1,000", "ask for at most 1"),
        (65, 1, "65 tokens before and 1", "give a shorter text"),
    ],
)
def test_no_more_is_written_than_there_are_positions(before, tokens, said, hint):
    with pytest.raises(
        AttnvizError, match=f"^{said} to be written are more than the 64 positions of this model$"
    ) as no:
        require_positions(64, before, tokens)
    assert no.value.hint == hint
    require_positions(64, 64, 1)
    require_positions(64, 1, 64)


def test_of_a_trace_that_nobody_wrote_there_are_no_steps():
    trace = Trace(("a",), (layer(1, 1),))
    with pytest.raises(AttnvizError, match="nothing was generated in this trace"):
        list(written_steps(trace))
    assert replace(trace, generation=Generation(("b",))).generation is not None


def test_where_the_layers_that_wrote_are_left_out_there_are_none_either():
    trace = Trace(("a",), (layer(1, 1, "encoder 0"),), generation=Generation(("b", "c")))
    with pytest.raises(AttnvizError, match="the layers that wrote are not in this trace"):
        list(written_steps(trace))
