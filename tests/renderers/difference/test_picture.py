"""The picture of two heads: what stands where is decided as data, and looked at here."""

from __future__ import annotations

import math

import numpy
import pytest

from attnviz import Layer, Rule, Trace, diff, trace_text
from attnviz.analysis.difference.alignment import align
from attnviz.analysis.difference.slots import slots
from attnviz.renderers.difference.picture import closer, decide, pooled_size
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


def long_texts(count, lonely=0, place=420):
    """Two texts of one head whose weights differ at one query alone; the second begins with some tokens of its own."""
    draw = numpy.random.default_rng(0)
    vectors = draw.standard_normal((1, count + lonely, 4))
    other = vectors.copy()
    other[0, lonely + place] *= 30
    tokens = tuple(f"w{one}" for one in range(count))
    new = tuple(f"new{one}" for one in range(lonely))
    return (
        Trace(tokens, (Layer(vectors[:, lonely:], *[vectors[:, lonely:]] * 2),)),
        Trace(new + tokens, (Layer(other, vectors, vectors),)),
    )


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_a_long_text_is_shown_whole_in_cells_of_many_tokens(pool):
    traces = long_texts(500)
    found = diff(*traces, pool=pool)
    chain = decide(found)
    assert pooled_size(found) == chain.maps[0].cell == (3, 3)
    assert f"167 × 167 cells of 3 × 3 tokens, {pool}" in chain.subtitle
    left, right, apart = (one.panels[0].values for one in chain.maps)
    own, other = (trace.layers[0].steps(0).weights for trace in traces)
    with numpy.errstate(all="ignore"):

        def cells(values, reduce):
            padded = numpy.pad(values, (0, 1), constant_values=numpy.nan).reshape(167, 3, 167, 3)
            return reduce(padded, axis=(1, 3))

        if pool == "mean":
            expected = [cells(values, numpy.nanmean) for values in (own, other, own - other)]
        else:
            most, least = (cells(own - other, reduce) for reduce in (numpy.nanmax, numpy.nanmin))
            signed = numpy.where(most >= -least, most, least)
            expected = [*(cells(values, numpy.nanmax) for values in (own, other)), signed]
    for values, right_ones in zip((left, right, apart), expected, strict=True):
        numpy.testing.assert_allclose(values, right_ones, atol=1e-7)
    assert abs(apart).argmax() // 167 == 420 // 3
    assert abs(numpy.delete(apart, 420 // 3, axis=0)).max() < 1e-15


def test_positions_of_cells_are_those_of_the_left_text():
    found = diff(*long_texts(390, lonely=9, place=200))
    first = decide(found).maps[0]
    assert first.cell == (2, 2)
    labelled = {label: place for place, label in enumerate(first.queries) if label}
    assert labelled["100"] in ((100 + 9) // 2, (101 + 9) // 2)
    assert labelled["300"] in ((300 + 9) // 2, (301 + 9) // 2)
    assert (first.panels[0].values[:4] == -math.inf).all()  # which only the right text has
    assert "only on" not in decide(found).subtitle


def test_the_first_cells_that_tower_over_all_others_leave_the_scale_of_the_difference():
    draw = numpy.random.default_rng(1)
    vectors = draw.standard_normal((3, 1, 400, 4))
    rule = Rule(causal=True)
    tokens = tuple(f"w{one}" for one in range(400))
    pair = (Trace(tokens, (Layer(query, *vectors[1:], rule),)) for query in (vectors[0], vectors[0] * 1.5))
    scale = decide(diff(*pair)).maps[2].scale
    assert scale.diverging
    assert scale.high == -scale.low < scale.largest / 3
    assert scale.above
    assert scale.below


def test_what_shows_the_largest_difference_token_by_token_is_named():
    first, second = long_texts(500)
    found = diff(first, second)
    most = found.heads[0].apart.largest
    query, key = closer(found)
    for words, position in ((query, most.query), (key, most.key)):
        start, stop = map(int, words.split(":"))
        assert start <= position < stop <= 500
        assert stop - start == 100
    assert most.query == 420
    near = diff(first, second, query=query, key=key)
    assert pooled_size(near) == (1, 1)
    assert decide(near).maps[0].queries[0] == f"w{query.partition(':')[0]}"
    assert closer(diff(first, first)) == ("A:B", "C:D")


def test_equal_maps_are_drawn_too(equal):
    assert (maps(equal)[2] == 0).all()
