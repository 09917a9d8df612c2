"""The picture of two heads: what stands where is decided as data, and looked at here."""

from __future__ import annotations

import math

import numpy
import pytest

from attnviz import Layer, Trace, diff, trace_text
from attnviz.analysis.difference.alignment import align
from attnviz.renderers.difference.picture import decide, slots
from attnviz.renderers.heatmap.chain import MOST_CELLS
from attnviz.renderers.heatmap.picture import View


def maps(found, **options):
    return [one.panels[0].values for one in decide(found, **options).maps]


def test_left_and_right_and_what_left_has_more():
    causal, plain = (trace_text("the cat sat on the mat", 2, causal=causal) for causal in (True, False))
    found = diff(causal, plain)
    head = found.heads[0].left.head
    left, right, apart = maps(found)
    numpy.testing.assert_array_equal(left > -math.inf, numpy.tri(6, dtype=bool))
    weights = [trace.layers[0].steps(head).weights for trace in (causal, plain)]
    numpy.testing.assert_allclose(numpy.where(left > -math.inf, left, 0), weights[0], atol=1e-7)
    numpy.testing.assert_allclose(right, weights[1], atol=1e-7)
    numpy.testing.assert_allclose(apart, weights[0] - weights[1], atol=1e-7)


def test_one_scale_of_both_and_one_around_0():
    first, second, third = decide(diff(trace_text("a b c", 2), trace_text("a b c", 2, seed=1))).maps
    assert first.scale == second.scale
    assert first.scale.high == max(one.panels[0].values.max() for one in (first, second))
    assert third.scale.diverging
    assert -third.scale.low == third.scale.high == abs(third.panels[0].values).max()


def test_a_token_that_one_text_has_stands_in_its_own_place_and_is_marked(words):
    chain = decide(words)
    first, second, third = chain.maps
    axis = ("+ today", "the", "− cat", "+ dog", "sat", "on", "− the", "+ a", "mat")
    assert first.queries == second.keys == third.queries == axis
    left, right, apart = (one.panels[0].values for one in chain.maps)
    lonely = {mark: [label.startswith(mark) for label in axis] for mark in "−+"}
    assert (left[lonely["+"]] == -math.inf).all()
    assert (right[:, lonely["−"]] == -math.inf).all()
    shared = ~(numpy.array(lonely["+"]) | numpy.array(lonely["−"]))
    numpy.testing.assert_array_equal(apart > -math.inf, numpy.outer(shared, shared))
    assert "− only on the left" in chain.subtitle
    assert "+ only on the right" in chain.subtitle
    one = words.heads[0]
    whole = words.left.trace.layers[0].steps(one.left.head).weights
    own = ~numpy.array(lonely["+"])
    numpy.testing.assert_allclose(left[numpy.ix_(own, own)], whole, atol=1e-7)


@pytest.mark.parametrize(
    ("left", "right", "places"),
    [
        ("a b", "a b", [(0, 0), (1, 1)]),
        ("x a", "a y", [(0, -1), (1, 0), (-1, 1)]),
        ("a", "b c a d", [(-1, 0), (-1, 1), (0, 2), (-1, 3)]),
    ],
)
def test_every_token_of_both_texts_has_one_place(left, right, places):
    alignment = align(tuple(left.split()), tuple(right.split()))
    found = slots(alignment, numpy.array(alignment.left), numpy.array(alignment.right))
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == places


def test_only_what_is_asked_for(rules):
    found = diff(rules.left.trace, rules.right.trace, query="sat", key="0:2", head=0)
    chain = decide(found)
    assert (chain.maps[0].queries, chain.maps[0].keys) == (("sat",), ("the", "cat"))
    weights = [one.trace.layers[0].steps(0).weights[2, :2] for one in (rules.left, rules.right)]
    numpy.testing.assert_allclose(chain.maps[2].panels[0].values[0], weights[0] - weights[1], atol=1e-7)


def test_the_titles(words, rules):
    head = words.heads[0]
    assert decide(words).title == f"Layer 0, head {head.left.head}: {head.divergence:.3g} bits apart"
    assert decide(words, title="Mine\n").title == "Mine\\n"
    assert [one.title for one in decide(rules).maps] == ["left", "right", "Difference"]
    assert decide(words, words.heads[-1]).title.startswith(f"Layer 0, head {words.heads[-1].left.head}")
    assert decide(rules, view=View(width=120.0)).width == pytest.approx(120 / 25.4)


def test_of_a_long_text_it_shows_what_is_around_the_largest_difference():
    draw = numpy.random.default_rng(0)
    count, place = 500, 420
    vectors = draw.standard_normal((1, count, 4))
    other = vectors.copy()
    other[0, place] *= 30
    tokens = tuple(f"w{one}" for one in range(count))
    found = diff(*(Trace(tokens, (Layer(query, vectors, vectors),)) for query in (vectors, other)))
    assert found.heads[0].apart.largest.query == place
    chain = decide(found)
    assert len(chain.maps[0].queries) == len(chain.maps[0].keys) == MOST_CELLS
    assert f"w{place}" in chain.maps[0].queries
    assert "queries 300–499" in chain.subtitle
    left, _, apart = (one.panels[0].values for one in chain.maps)
    assert left[120].sum() <= 1
    assert abs(apart).max() == pytest.approx(abs(apart[120]).max())
    assert (numpy.delete(apart, 120, axis=0) == 0).all()


def test_what_is_shown_of_a_long_text_is_told_by_its_own_positions():
    count = 300
    tokens = tuple(f"w{one}" for one in range(count))
    vectors = numpy.random.default_rng(0).standard_normal((1, count + 9, 4))
    left = Trace(tokens, (Layer(*[vectors[:, 9:]] * 3),))
    right = Trace((*(f"new{one}" for one in range(9)), *tokens), (Layer(vectors * 1.1, vectors, vectors),))
    found = diff(left, right)
    chain = decide(found)
    shown = [label for label in chain.maps[0].queries if not label.startswith("+")]
    assert len(chain.maps[0].queries) == MOST_CELLS
    assert f"queries {shown[0][1:]}–{shown[-1][1:]}" in chain.subtitle


def test_equal_maps_are_drawn_too(equal):
    assert (maps(equal)[2] == 0).all()
