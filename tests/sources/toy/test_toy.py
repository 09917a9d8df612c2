import cmath
import json
import math
import os
import subprocess
import sys
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
from attnviz.sources.toy.positions import alibi_slopes, rotate, sinusoids
from attnviz.sources.toy.toy import Toy
from attnviz.sources.toy.vectors import TEXTBOOK, drawn_matrix
from attnviz.text.display import listed_tokens
from attnviz.text.tokenizer import tokenize
from attnviz.trace.layer import Projection

SAMPLES = Path(__file__).parents[3] / "samples"
SENTENCE = "The cat sat on the mat because it was tired of all those loud dogs"


def embeddings(text: str, **options: object) -> numpy.ndarray:
    return trace_text(text, **options).layers[0].embeddings


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


def test_the_textbooks_words_have_its_vectors_in_three_dimensions_alone():
    assert_array_equal(embeddings("starts your JOURNEY"), [TEXTBOOK["starts"], TEXTBOOK["your"], TEXTBOOK["journey"]])
    wide = embeddings("starts your journey", dim=4)
    assert len(numpy.unique(wide, axis=0)) == 3


@pytest.mark.parametrize("dim", [1, 3, 4, 17])
def test_the_same_token_has_the_same_vector_in_any_case_and_text(dim):
    vectors = embeddings("The the THE cat", dim=dim)
    assert_array_equal(vectors[0], vectors[1])
    assert_array_equal(vectors[0], vectors[2])
    assert_array_equal(vectors[3], embeddings("a Cat !", dim=dim)[1])
    assert vectors[0].tolist() != vectors[3].tolist()


def test_the_seed_changes_every_drawn_number():
    assert embeddings("cat dog", seed=1).tolist() != embeddings("cat dog", seed=2).tolist()
    assert drawn_matrix("query", 4, 1).tolist() != drawn_matrix("query", 4, 2).tolist()
    assert drawn_matrix("query", 4, 1).tolist() != drawn_matrix("key", 4, 1).tolist()


def test_numbers_are_short_enough_to_compute_by_hand():
    vectors, matrix = embeddings(SENTENCE, dim=50), drawn_matrix("query", 12, 0)
    assert_array_equal(vectors, vectors.round(1))
    assert_array_equal(matrix, matrix.round(2))
    for array in (vectors, matrix):
        assert not numpy.signbit(array[array == 0]).any()


def test_drawn_numbers_are_normal():
    vectors = embeddings(SENTENCE, dim=400)
    assert abs(vectors.mean()) < 0.05
    assert 0.95 < vectors.std() < 1.05
    assert 0.66 < (abs(vectors) <= 1).mean() < 0.72


def test_another_process_draws_the_same_numbers():
    program = "import attnviz; print(attnviz.trace_text('a ế', heads=2, seed=5).layers[0].steps().output.tolist())"
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    printed = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True).stdout
    assert json.loads(printed) == trace_text("a ế", heads=2, seed=5).layers[0].steps().output.tolist()


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


@pytest.mark.parametrize(("tokens", "width"), [(1, 1), (5, 6), (7, 5)])
def test_sinusoids_are_those_of_the_paper(tokens, width):
    expected = [
        [
            (math.cos if place % 2 else math.sin)(token / 10000 ** ((place - place % 2) / width))
            for place in range(width)
        ]
        for token in range(tokens)
    ]
    assert_allclose(sinusoids(tokens, width), expected, rtol=1e-12, atol=1e-12)


def test_sinusoidal_positions_are_added_to_the_embeddings():
    layer = trace_text("cat cat dog", position="sinusoidal", dim=4).layers[0]
    assert_array_equal(layer.positions, sinusoids(3, 4))
    assert_allclose(layer.query[0], layer.embeddings + sinusoids(3, 4))
    assert_array_equal(layer.embeddings[0], layer.embeddings[1])


@pytest.mark.parametrize("width", [2, 6])
def test_rope_turns_complex_numbers(width):
    array = normal(2, 5, width)
    pairs = array[..., 0::2] + 1j * array[..., 1::2]
    for token in range(5):
        for pair in range(width // 2):
            pairs[:, token, pair] *= cmath.exp(1j * token * 10000 ** (-2 * pair / width))
    assert_allclose(rotate(array)[..., 0::2], pairs.real, rtol=1e-12, atol=1e-12)
    assert_allclose(rotate(array)[..., 1::2], pairs.imag, rtol=1e-12, atol=1e-12)


def test_rope_scores_depend_on_the_distance_alone():
    query, key = (rotate(numpy.broadcast_to(vector, (1, 9, 8)))[0] for vector in (normal(8), normal(1, 8)))
    scores = query @ key.T
    for distance in range(-8, 9):
        diagonal = numpy.diagonal(scores, distance)
        assert_allclose(diagonal, diagonal[0], rtol=1e-10, atol=1e-10)
    assert scores[0, 0] != pytest.approx(scores[1, 0])


def test_rope_turns_queries_and_keys_but_no_values():
    plain, turned = (trace_text(SENTENCE, dim=4, position=position).layers[0] for position in ("none", "rope"))
    assert_array_equal(turned.query, rotate(plain.query))
    assert_array_equal(turned.key, rotate(plain.key))
    assert_array_equal(turned.value, plain.value)


def test_rope_needs_pairs():
    with pytest.raises(AttnvizError, match="rope turns pairs of dimensions, but a head has 3"):
        trace_text("a b", position="rope", dim=3)


def test_alibi_slopes_of_eight_heads_are_halves():
    assert_array_equal(alibi_slopes(8), [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256])
    assert_allclose(alibi_slopes(16)[:2], [2**-0.5, 2**-1.0])


def test_alibi_subtracts_the_slope_times_the_distance():
    steps = trace_text("a b c d", heads=8, position="alibi").layers[0].steps()
    for query in range(4):
        for key in range(4):
            difference = steps.masked[:, query, key] - steps.scaled[:, query, key]
            assert_allclose(difference, -alibi_slopes(8) * abs(query - key), atol=1e-12)


def test_alibi_is_added_to_a_bias_that_is_already_there():
    bias = normal(2, 2)
    layer = Toy(position=Position.ALIBI).trace("a b", Rule(bias=bias)).layers[0]
    assert_allclose(layer.rule.bias[0], bias - alibi_slopes(1)[0] * (1 - numpy.eye(2)))


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


def test_a_list_of_tokens_is_short_and_safe():
    assert listed_tokens(["a", "\x1b[31m", "x" * 50]) == rf"a, \x1b[31m, {'x' * 19}…"
    assert listed_tokens([str(number) for number in range(9)]) == "0, 1, 2, 3, 4, 5, 6, 7, …"


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
