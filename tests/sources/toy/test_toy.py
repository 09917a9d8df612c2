"""Toy attention: a text, and embeddings that a person can check by hand."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attnviz.api import trace_text
from attnviz.attention.formula import attend
from attnviz.attention.rule import Rule
from attnviz.choices import Position, Tokenizer
from attnviz.errors import AttnvizError
from attnviz.sources.files.toy_parts import read_embeddings
from attnviz.sources.toy.toy import Toy
from attnviz.text.tokenizer import tokenize
from attnviz.trace.projection import Projection

SAMPLES = Path(__file__).parents[3] / "samples"


SENTENCE = "The cat sat on the mat because it was tired of all those loud dogs"


def normal(*shape: int) -> numpy.ndarray:
    return numpy.random.default_rng(shape).normal(size=shape)


def test_the_textbooks_unscaled_outputs():
    steps = trace_text("Your journey starts", scale=1).layers[0].steps(0)
    expected = [[0.4655, 0.5588, 0.6689], [0.4766, 0.6359, 0.6469], [0.4766, 0.6359, 0.6469]]
    assert_allclose(steps.output, expected, atol=1e-4)


def test_the_textbooks_first_weights():
    toy = Toy(embedder=read_embeddings(SAMPLES / "journey.json"))
    steps = toy.trace("Your journey starts with one step", Rule(scale=1)).layers[0].steps(0)
    assert_allclose(steps.weights[1], [0.1385, 0.2379, 0.2333, 0.1240, 0.1082, 0.1581], atol=5e-5)
    assert_allclose(steps.output[1], [0.4419, 0.6515, 0.5683], atol=5e-5)


def test_one_head_is_the_embeddings_themselves():
    layer = trace_text(SENTENCE).layers[0]
    assert_array_equal(layer.embeddings[None], layer.query)
    assert_array_equal(layer.query, layer.key)
    assert_array_equal(layer.query, layer.value)
    assert layer.projections == {}


@pytest.mark.parametrize(("options", "dim"), [({}, 3), ({"heads": 2}, 8), ({"dim": 5}, 5), ({"heads": 3, "dim": 6}, 6)])
def test_dimensions_follow_from_heads_unless_given(options, dim):
    trace = trace_text("Your journey", **options)
    heads = options.get("heads", 1)
    assert trace.layers[0].query.shape == (heads, 2, dim // heads)
    assert trace.source["dim"] == dim


@pytest.mark.parametrize("heads", [1, 3])
def test_heads_are_slices_of_the_projected_embeddings(heads):
    layer = trace_text(SENTENCE, heads=heads, project=True, dim=12).layers[0]
    assert set(layer.projections) == {"query", "key", "value", "output"}
    for name in ("query", "key", "value"):
        projected = layer.embeddings @ layer.projections[name].weight
        side_by_side = numpy.concatenate(list(getattr(layer, name)), axis=-1)
        assert_allclose(side_by_side, projected, rtol=1e-12, atol=1e-12)


def test_twelve_heads_have_scores_of_unit_variance_and_differ():
    weights = trace_text(SENTENCE, heads=12).layers[0].steps()
    assert 0.5 < weights.scaled.var() < 2
    assert len(numpy.unique(weights.weights.round(6), axis=0)) == 12


@pytest.mark.parametrize("tokenizer", Tokenizer)
def test_every_tokenizer_makes_a_trace(tokenizer):
    trace = trace_text("Không có\nviệc 👩‍👧", tokenizer=tokenizer.value, causal=True)
    assert trace.tokens == tuple(tokenize("Không có\nviệc 👩‍👧", tokenizer))
    assert trace.source["tokenizer"] == tokenizer.value
    assert_allclose(trace.layers[0].steps().weights.sum(axis=-1), 1)


def test_the_rule_of_a_text_is_the_one_asked_for():
    rule = trace_text("a b", causal=True, scale=0.5, window=2, softcap=3.0).layers[0].rule
    assert (rule.causal, rule.scale, rule.window, rule.softcap) == (True, 0.5, 2, 3.0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"text": ""}, "the text is empty"),
        ({"text": " \n"}, "only white space"),
        ({"heads": 0}, "0 heads"),
        ({"heads": -2}, "-2 heads"),
        ({"heads": 2, "dim": 5}, "2 heads cannot share the 5 dimensions"),
        ({"dim": -1}, "dim"),
        ({"dim": 0}, "dim"),
        ({"tokenizer": "sentence"}, "sentence"),
        ({"position": "learned"}, "learned"),
        ({"window": 0}, "window is 0"),
        ({"dim": 10**13}, "memory"),
        ({"heads": 2, "dim": 200_000}, "memory"),
    ],
)
def test_wrong_choices_are_errors(options, words):
    with pytest.raises(AttnvizError, match=words):
        trace_text(**{"text": "Your journey"} | options)


@pytest.mark.parametrize(
    ("options", "hint"),
    [({"heads": 100_000}, "give fewer heads"), ({"heads": 2, "dim": 200_000}, "give a smaller --dim")],
)
def test_what_makes_the_projections_too_large_is_what_to_change(options, hint):
    with pytest.raises(AttnvizError) as raised:
        trace_text("Your journey", **options)
    assert raised.value.hint == hint


def weights(**shapes: tuple[int, int]) -> dict[str, Projection]:
    usual = {"query": (3, 4), "key": (3, 4), "value": (3, 6), "output": (6, 5)} | shapes
    return {name: Projection(normal(*shape)) for name, shape in usual.items()}


@pytest.mark.parametrize("heads", [1, 2])
def test_own_weights_give_the_dimensions(heads):
    layer = Toy(heads=heads, weights=weights()).trace("Your journey").layers[0]
    assert layer.query.shape == (heads, 2, 4 // heads)
    assert layer.projected(layer.concat(layer.steps().output)).shape == (2, 5)


@pytest.mark.parametrize(
    ("heads", "dim", "shapes", "words"),
    [
        (1, 4, {}, "query weights have 3 rows but an embedding has 4"),
        (1, None, {"key": (5, 4)}, "key weights have 5 rows but an embedding has 3"),
        (4, None, {}, "4 key/value heads cannot share the 6 columns of the value weights evenly"),
        (1, None, {"output": (5, 5)}, "output weights have 5 rows .* 6 numbers"),
        (1, None, {"key": (3, 5)}, "the key weights have 5 columns"),
    ],
)
def test_own_weights_that_do_not_fit(heads, dim, shapes, words):
    with pytest.raises(AttnvizError, match=words):
        Toy(heads=heads, dim=dim, weights=weights(**shapes)).trace("Your journey").layers[0].steps()


def test_fewer_columns_for_keys_and_values_are_grouped_heads():
    grouped = {"query": (3, 8), "key": (3, 4), "value": (3, 4), "output": (8, 3)}
    own = {name: Projection(normal(*shape)) for name, shape in grouped.items()}
    [layer] = Toy(heads=4, dim=3, weights=own).trace("a b c").layers
    assert (layer.query.shape, layer.key.shape, layer.value.shape) == ((4, 3, 2), (2, 3, 2), (2, 3, 2))
    inputs = layer.inputs
    for head in range(4):
        query = inputs @ own["query"].weight[:, 2 * head : 2 * head + 2]
        columns = slice(2 * (head // 2), 2 * (head // 2) + 2)
        expected = attend(query, inputs @ own["key"].weight[:, columns], inputs @ own["value"].weight[:, columns])
        assert_allclose(layer.steps(head).output, expected.output)


@pytest.mark.parametrize("seed", [2**63, -(2**63)])
def test_a_seed_fits_into_a_saved_trace(seed):
    with pytest.raises(AttnvizError, match=r"seed is .*: it must be below 2⁶³"):
        Toy(seed=seed).trace("word")


@pytest.mark.parametrize("position", [Position.ROPE, Position.ALIBI])
def test_positions_are_counted_in_one_way(position):
    with pytest.raises(AttnvizError, match=f"{position.value} and a query offset"):
        Toy(position=position, heads=2).trace("one word", Rule(query_offset=1))
    assert Toy(position=position, heads=2).trace("one word").source.position == position.value
