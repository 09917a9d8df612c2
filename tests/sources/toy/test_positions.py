"""Position encodings, against the papers' formulas."""

from __future__ import annotations

import cmath
import math

import numpy
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attnviz.api import trace_text
from attnviz.attention.rule import Rule
from attnviz.choices import Position
from attnviz.errors import AttnvizError
from attnviz.sources.toy.positions import alibi_slopes, rotation, sinusoids
from attnviz.sources.toy.toy import Toy

SENTENCE = "The cat sat on the mat because it was tired of all those loud dogs"


def normal(*shape: int) -> numpy.ndarray:
    return numpy.random.default_rng(shape).normal(size=shape)


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


def rotate(array: numpy.ndarray) -> numpy.ndarray:
    return rotation(array.shape[-1]).turned(array)


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
    assert_allclose(turned.rotation.turned_back(turned.query), plain.query, atol=1e-12)
    assert turned.rotary
    assert not plain.rotary
    assert plain.rotation is None


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
