"""How far two heads are apart: each row against scipy's Jensen–Shannon distance, computed from the whole weights."""

from __future__ import annotations

import math

import numpy
import pytest
from scipy.spatial.distance import jensenshannon

from attnviz import Layer, Rule
from attnviz.analysis.difference.apart import Places, heads_apart, jensen_shannon, row_cuts
from attnviz.choices import Pool

RULES = {
    "plain": Rule(),
    "causal": Rule(causal=True),
    "window": Rule(causal=True, window=4, softcap=2.0),
    "sinks": Rule(causal=True, sinks=numpy.array([0.5, 2.0, -1.0, 0.0])),
    "mask": Rule(mask=numpy.random.default_rng(1).random((24, 24)) < 0.3),
    "bias": Rule(bias=numpy.random.default_rng(2).standard_normal((4, 24, 24))),
}


def a_layer(rule=Rule(), seed=0, tokens=24, heads=4, kv_heads=2):  # noqa: B008  (immutable)
    draw = numpy.random.default_rng(seed)
    query = draw.standard_normal((heads, tokens, 8)).astype("f4")
    key, value = (draw.standard_normal((kv_heads, tokens, 8)).astype("f4") for _ in range(2))
    return Layer(query, key, value, rule)


def places(queries, keys):
    """Positions that are shared, as pairs."""
    return Places(*numpy.array(queries, dtype=int).reshape(-1, 2).T, *numpy.array(keys, dtype=int).reshape(-1, 2).T)


def everywhere(count=24):
    return places([(one, one) for one in range(count)], [(one, one) for one in range(count)])


def oracle(left, right, heads, shared):
    """Each row in scipy's words: the shared keys, then what is on the others, then what a sink has taken."""
    rows = []
    weights = [
        numpy.asarray(layer.steps(head).weights, dtype=float) for layer, head in zip((left, right), heads, strict=True)
    ]
    hidden = [numpy.asarray(layer.steps(head).hidden) for layer, head in zip((left, right), heads, strict=True)]
    for query, other in zip(shared.left_queries, shared.right_queries, strict=True):
        both = []
        for row, keys in ((weights[0][query], shared.left_keys), (weights[1][other], shared.right_keys)):
            rest = numpy.delete(row, keys).sum()
            both.append([*row[keys], rest, max(1 - row.sum(), 0) if abs(1 - row.sum()) > 1e-5 else 0])
        blind = hidden[0][query].all() or hidden[1][other].all()
        rows.append(math.nan if blind else jensenshannon(*both, base=2) ** 2)
    return numpy.array(rows)


@pytest.mark.parametrize("left", RULES, ids=str)
@pytest.mark.parametrize("right", ["plain", "sinks", "mask"])
@pytest.mark.some(6)
def test_each_row_is_scipys_distance_squared(left, right):
    first, second = a_layer(RULES[left]), a_layer(RULES[right], seed=1)
    pairs = [(0, 0), (3, 1)]
    for cells in (100, 1 << 20):
        for heads, apart in zip(pairs, heads_apart(first, second, pairs, everywhere(), cells=cells), strict=True):
            numpy.testing.assert_allclose(apart.rows, oracle(first, second, heads, everywhere()), atol=1e-6)


@pytest.mark.parametrize("cells", [50, 1 << 20])
@pytest.mark.parametrize("rule", ["plain", "causal", "sinks"])
def test_tokens_without_a_partner_count_together(cells, rule):
    first, second = a_layer(RULES[rule]), a_layer(RULES[rule], seed=1, tokens=20)
    shared = places([(0, 1), (2, 2), (3, 5), (19, 19)], [(0, 1), (2, 2), (3, 5), (17, 18), (19, 19)])
    [apart] = heads_apart(first, second, [(2, 3)], shared, cells=cells)
    numpy.testing.assert_allclose(apart.rows, oracle(first, second, (2, 3), shared), atol=1e-6)
    weights = [layer.steps(head).weights for layer, head in ((first, 2), (second, 3))]
    gaps = abs(weights[0][numpy.ix_(shared[0], shared[2])] - weights[1][numpy.ix_(shared[1], shared[3])])
    most = apart.largest
    assert abs(most.left - most.right) == pytest.approx(gaps.max(), abs=1e-7)
    there = weights[0][most.query, most.key], weights[1][most.right_query, most.right_key]
    assert (most.left, most.right) == pytest.approx(there, abs=1e-6)
    rests = [
        numpy.delete(one[queries], keys, axis=1).sum(axis=1).mean()
        for one, queries, keys in zip(weights, shared[:2], shared[2:], strict=True)
    ]
    assert apart.rest == pytest.approx(rests, abs=1e-6)


def test_joining_keys_never_makes_two_rows_differ_more():
    first, second = a_layer(), a_layer(seed=1)
    some = places([(one, one) for one in range(24)], [(one, one) for one in range(0, 24, 3)])
    [whole], [part] = (heads_apart(first, second, [(0, 0)], one) for one in (everywhere(), some))
    assert (part.rows <= whole.rows + 1e-12).all()
    assert (part.rows < whole.rows - 1e-3).any()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("cells", [100, 1 << 20])
def test_of_the_same_layer_every_difference_is_exactly_0(rule, cells):
    first, second = a_layer(rule), a_layer(rule)
    for apart in heads_apart(first, second, [(head, head) for head in range(4)], everywhere(), cells=cells):
        assert numpy.nanmax(apart.rows) == 0
        assert apart.largest is None
        assert apart.divergence(Pool.MEAN) == apart.divergence(Pool.MAX) == 0


def test_weights_alone_whose_rows_lack_something_are_compared_with_what_they_lack():
    draw = numpy.random.default_rng(0)
    whole = draw.dirichlet(numpy.ones(6), (1, 6))
    lacking = whole * 0.75
    [apart] = heads_apart(Layer(weights=whole), Layer(weights=lacking), [(0, 0)], everywhere(6))
    expected = [jensenshannon([*row, 0], [*(row * 0.75), 0.25], base=2) ** 2 for row in whole[0]]
    numpy.testing.assert_allclose(apart.rows, expected, atol=1e-9)
    rounded = Layer(weights=whole.astype("f4"))
    [apart] = heads_apart(rounded, rounded, [(0, 0)], everywhere(6))
    assert apart.rows.max() == 0


def test_a_query_that_sees_no_key_has_no_divergence():
    mask = numpy.ones((24, 24), dtype=bool)
    mask[5] = False
    [apart] = heads_apart(a_layer(Rule(mask=mask)), a_layer(seed=1), [(0, 0)], everywhere())
    assert numpy.flatnonzero(numpy.isnan(apart.rows)).tolist() == [5]
    assert apart.largest.query != 5
    assert apart.divergence(Pool.MEAN) == pytest.approx(numpy.nanmean(apart.rows))
    assert apart.divergence(Pool.MAX) == numpy.nanmax(apart.rows)
    nothing = a_layer(Rule(mask=~numpy.ones((24, 24), dtype=bool)))
    [apart] = heads_apart(nothing, nothing, [(0, 0)], everywhere())
    assert math.isnan(apart.divergence(Pool.MEAN))
    assert numpy.isnan(apart.rest).all()


def test_the_divergence_is_0_of_equal_rows_and_1_of_rows_that_share_nothing():
    rows = numpy.array([[1.0, 0, 0], [0.5, 0.5, 0], [0, 0, 1.0]])
    numpy.testing.assert_array_equal(jensen_shannon(rows, rows), 0)
    numpy.testing.assert_array_equal(jensen_shannon(rows, rows[::-1]), [1, 0, 1])


def test_no_block_reaches_over_more_rows_than_there_is_room_for():
    layer = a_layer(tokens=24)
    shared = places([(0, 0), (1, 20), (2, 21), (23, 23)], [(0, 0)])
    cuts = row_cuts(layer, layer, shared, cells=4 * 24)
    assert [(cut.start, cut.stop) for cut in cuts] == [(0, 1), (1, 3), (3, 4)]
    assert row_cuts(layer, layer, shared) == [slice(0, 4)]


def test_progress_is_told_for_each_head():
    told = []
    heads_apart(a_layer(), a_layer(seed=1), [(0, 0), (1, 1)], everywhere(), lambda *done: told.append(done))
    assert told == [(1, 2), (2, 2)]
