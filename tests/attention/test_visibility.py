"""Which cells are hidden: held against the words of the rule, and against the worst scores that could be."""

from __future__ import annotations

import math

import numpy
import pytest
from hiding_rules import FLOATS, HEADS, KEY_HEADS, TOKENS, arrays, biases, rules
from numpy.testing import assert_array_equal
from tolerances import Widest, of_a_sum_of_weights, require_near

from attnviz import Rule, attend
from attnviz.attention import visibility
from attnviz.attention.toeplitz import spread
from attnviz.attention.visibility import Visibility, block_of, cells_of, lowering, reach

ALL = slice(0, TOKENS)
LEAST_EXPONENT = math.log(5e-324) - math.log(2)  # of e: what lies below half of the least number is 0 in float64


def seen_by_words(rule: Rule, queries: int = TOKENS, keys: int = TOKENS) -> numpy.ndarray:
    """Cell by cell, from the words of the rule, before any bias."""
    seen = numpy.ones((HEADS, queries, keys), dtype=bool)
    for query in range(queries):
        for key in range(keys):
            behind = query + (rule.query_offset or 0) - key
            if rule.causal and behind < 0:
                seen[:, query, key] = False
            if rule.window is not None and abs(behind) >= rule.window:
                seen[:, query, key] = False
    return seen if rule.mask is None else seen & numpy.broadcast_to(rule.mask, seen.shape)


def largest_scores(query: numpy.ndarray, key: numpy.ndarray, rule: Rule) -> numpy.ndarray:
    """|q| |k| · |scale| of each cell, in float64, at most the cap."""
    lengths = [numpy.linalg.norm(array.astype(numpy.float64), axis=-1) for array in (query, key)]
    keys = lengths[1].repeat(HEADS // KEY_HEADS, axis=0)
    scores = lengths[0][:, :, None] * keys[:, None, :] * abs(rule.scale_for(query.shape[-1]))
    return numpy.minimum(scores, rule.softcap) if rule.softcap is not None else scores


def largest_weights(rule: Rule, seen: numpy.ndarray, scores: numpy.ndarray) -> numpy.ndarray:
    """The logarithm of the weight that each cell has at the most, whatever the scores: its own as high as can be, all others
    as low."""
    bias = numpy.broadcast_to(numpy.asarray(rule.bias, dtype=numpy.float64), seen.shape)
    found = numpy.full(seen.shape, -math.inf)
    for head, query, key in zip(*seen.nonzero(), strict=True):
        row, low = bias[head, query], scores[head, query]
        others = seen[head, query].copy()
        others[key] = False
        if row[key] > -math.inf:
            with numpy.errstate(over="ignore"):
                rest = (row - low)[others].max(initial=-math.inf)
                found[head, query, key] = min(0.0, row[key] + low[key] - rest) if rest > -math.inf else 0.0
    return found


@pytest.mark.parametrize("name", [name for name, rule in rules().items() if rule.bias is None])
def test_what_the_mask_and_the_interval_hide_is_hidden_and_nothing_else(name):
    rule = rules()[name]
    hidden = attend(*arrays(), **vars(rule)).hidden
    assert_array_equal(~hidden, seen_by_words(rule))


@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("name", [name for name, rule in rules().items() if rule.bias is not None])
@pytest.mark.some(51)
def test_a_bias_hides_what_has_no_weight_whatever_the_scores_are_and_nothing_else(name, kind):
    rule = rules(kind)[name]
    query, key, value = arrays(kind)
    steps = attend(query, key, value, **vars(rule))
    seen = seen_by_words(rule)
    most = largest_weights(rule, seen, largest_scores(query, key, rule))
    hidden = steps.hidden & seen
    assert (steps.hidden | seen).all()
    assert (most[hidden] < LEAST_EXPONENT).all()
    rounding = numpy.abs(numpy.nan_to_num(numpy.asarray(rule.bias, dtype=numpy.float64), neginf=0.0)).max()
    near = 8 * numpy.finfo(steps.scores.dtype).eps * rounding + 1
    assert (most[seen & ~hidden] >= LEAST_EXPONENT - near).all()
    assert (steps.weights[steps.hidden] == 0).all()


@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("amount", [-1.0, -1e4, -1e9, "least"])
@pytest.mark.parametrize("causal", [False, True])
def test_a_row_that_is_lowered_as_a_whole_is_not_hidden(kind, amount, causal):
    bias = biases(kind)[f"a row by {amount}"]
    steps = attend(*arrays(kind), bias=bias, causal=causal)
    plain = attend(*arrays(kind), causal=causal)
    assert_array_equal(steps.hidden, plain.hidden)
    assert (steps.weights[:, 2][~steps.hidden[:, 2]] > 0).all()
    weights = steps.weights[:, 2].astype(Widest)
    require_near(
        weights.sum(axis=-1), numpy.ones(len(weights)), of_a_sum_of_weights(weights.shape[-1], steps.weights.dtype)
    )


@pytest.mark.parametrize("name", rules())
@pytest.mark.some(28)
def test_torch_hides_the_same_cells(name):
    torch = pytest.importorskip("torch")
    rule = rules(numpy.float32)[name]
    query, key, value = arrays(numpy.float32)
    ours = attend(query, key, value, **vars(rule))
    convert = {
        field: torch.from_numpy(numpy.array(one)) if isinstance(one, numpy.ndarray) else one
        for field, one in vars(rule).items()
    }
    theirs = attend(*map(torch.from_numpy, (query, key, value)), **convert)
    assert_array_equal(ours.hidden, theirs.hidden.numpy())
    numpy.testing.assert_allclose(ours.weights, theirs.weights.numpy(), atol=1e-6)


@pytest.mark.parametrize("name", rules())
def test_a_query_alone_and_a_part_of_the_queries_hide_the_same(name):
    rule = rules()[name]
    query, key, value = arrays()
    whole = attend(query, key, value, **vars(rule)).hidden
    for start, stop in ((0, 1), (2, 3), (1, 5)):
        part = rule.of_queries(start, stop, TOKENS, TOKENS)
        assert_array_equal(attend(query[:, start:stop], key, value, **vars(part)).hidden, whole[:, start:stop])


@pytest.mark.parametrize(
    "rule",
    [Rule(), Rule(causal=True), Rule(window=2), Rule(causal=True, window=3), Rule(causal=True, query_offset=-3)],
)
def test_first_and_last_are_the_ends_of_what_is_seen(rule):
    seen, ours = seen_by_words(rule)[0], Visibility.of(rule, TOKENS, TOKENS)
    for query in range(TOKENS):
        places = numpy.flatnonzero(seen[query])
        first, last = max(ours.first(query), 0), min(ours.last(query), TOKENS - 1)
        assert list(range(first, last + 1)) == places.tolist()
    for start in range(TOKENS):
        for stop in range(start + 1, TOKENS + 1):
            begin, end = ours.band(start, stop)
            assert not seen[start:stop, :begin].any()
            assert not seen[start:stop, end:].any()
            for key in range(TOKENS):
                assert (
                    ours.covers((start, stop), (key, key + 2))
                    == (key + 2 <= TOKENS and bool(seen[start:stop, key : key + 2].all()))
                    or key + 2 > TOKENS
                )


def test_a_mask_covers_nothing():
    visible = Visibility.of(Rule(), 3, 3, numpy.ones((3, 3), dtype=bool))
    assert not visible.covers((0, 3), (0, 3))


@pytest.mark.parametrize("name", ["nothing", "mask", "padding", "window", "a head's own mask"])
def test_cells_at_positions_are_those_of_the_block(name):
    rule = rules()[name]
    ours = Visibility.of(rule, TOKENS, TOKENS, rule.mask)
    rows, keys = numpy.array([[5], [1], [6]]), numpy.array([[0, 3, 2, 6]])
    cells, block = ours.cells(rows, keys), ours.block(ALL, ALL, numpy, "cpu")
    if name == "nothing":
        assert cells is None
        assert block is None
        return
    whole = numpy.broadcast_to(block, (*block.shape[:-2], TOKENS, TOKENS))
    assert_array_equal(numpy.broadcast_to(cells, whole[..., rows, keys].shape), whole[..., rows, keys])


def test_how_far_a_query_sees():
    assert reach(Rule()) == (math.inf, math.inf)
    assert reach(Rule(causal=True)) == (math.inf, 0)
    assert reach(Rule(window=3)) == (2, 2)
    assert reach(Rule(causal=True, window=3)) == (2, 0)


def test_an_axis_of_one_serves_all_positions():
    shared = numpy.array([[False, True, True]])
    assert_array_equal(cells_of(shared, numpy.array([[2], [0]]), numpy.array([[0, 1]])), [[False, True]] * 2)
    assert_array_equal(cells_of(shared[0], numpy.array([[2]]), numpy.array([[1]])), [[True]])
    assert block_of(shared, slice(5, 9), slice(1, 3)).tolist() == [[True, True]]


def test_a_bias_by_distance_is_read_by_torch_too():
    torch = pytest.importorskip("torch")
    by_distance = spread(numpy.arange(9.0), 5)
    found = cells_of(by_distance, torch.tensor([[0], [4]]), torch.tensor([[0, 2]]))
    assert found.tolist() == [[by_distance[0, 0], by_distance[0, 2]], [by_distance[4, 0], by_distance[4, 2]]]


@pytest.mark.parametrize("by_distance", [False, True])
def test_a_bias_that_lowers_little_is_not_looked_at_cell_by_cell(by_distance):
    bias = spread(-0.1 * numpy.arange(2 * TOKENS - 1.0), TOKENS) if by_distance else numpy.full((TOKENS, TOKENS), -1e9)
    query, key, _ = arrays()
    assert lowering(query, key, Rule(bias=bias), bias, Visibility.of(Rule(), TOKENS, TOKENS)) is None


@pytest.mark.parametrize("cells", [1, 3 * TOKENS, 10**9])
def test_rows_read_some_at_a_time_hide_the_same(cells):
    rule = rules()["a head's own, causal"]
    query, key, _ = arrays()
    visible = Visibility.of(rule, TOKENS, TOKENS)
    some, whole = (
        lowering(query, key, rule, rule.bias, visible, cells=size) for size in (cells, visibility.CELLS_AT_ONCE)
    )
    assert_array_equal(some.edge, whole.edge)
    assert_array_equal(some.hides(rule.bias), whole.hides(rule.bias))


@pytest.mark.parametrize("mask", [True, False])
def test_a_mask_or_a_bias_of_one_number_is_every_cell_s(mask):
    array = numpy.ones((2, 3, 4))
    steps = attend(array, array, array, mask=numpy.array(mask), bias=numpy.array(-1e9))
    assert bool(steps.hidden.all()) is not mask
    assert block_of(numpy.array(mask), slice(0, 3), slice(0, 3)).shape == (1, 1)


def test_the_bias_alone_tells_where_it_lies_far_from_the_edge():
    query, key, _ = arrays()
    for amount, alone in (("-10000.0", True), ("-750.0", False), ("-700.0", None)):
        bias = biases(numpy.float64)[f"cells by {amount}"]
        found = lowering(query, key, Rule(bias=bias), bias, Visibility.of(Rule(), TOKENS, TOKENS))
        assert (None if found is None else found.lengths is None) is alone


def test_a_sum_that_rounds_hides_no_cell_that_has_a_weight():
    """Beside 2⁶⁰ a score of 129 counts as 256: what lies 1,024 below is but 512 below once it is added."""
    query, key = numpy.array([[129.0]]), numpy.array([[-1.0], [1.0]])
    bias = numpy.array([[-(2.0**60), -(2.0**60) - 1024]])
    steps = attend(query, key, key, scale=1, bias=bias)
    logits = query @ key.T + bias
    exponentials = numpy.exp(logits - logits.max())
    assert exponentials.min() > 0
    assert not steps.hidden.any()
    numpy.testing.assert_allclose(steps.weights, exponentials / exponentials.sum())


@pytest.mark.parametrize(("small", "large"), [(1e-23, 1e19), (1e-30, 1e30)])
def test_squares_that_vanish_or_overflow_bound_the_scores_all_the_same(small, large):
    query = numpy.array([[small]], dtype=numpy.float32)
    key = numpy.array([[large], [-large]], dtype=numpy.float32)
    scale = -1e4 / (small * large)
    steps = attend(query, key, key, scale=scale, bias=numpy.array([[0.0, -1000.0]], dtype=numpy.float32))
    assert steps.weights.tolist() == [[0.0, 1.0]]
    assert not steps.hidden.any()


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_finite_bias_that_its_type_cannot_hold_is_the_lowest_and_hides_no_row(backend):
    query = numpy.ones((1, 2, 2), dtype=numpy.float32)
    bias = numpy.array([[-1e300, -1e300], [0.0, -1e300]])
    if backend == "torch":
        torch = pytest.importorskip("torch")
        query, bias = torch.from_numpy(query), torch.from_numpy(bias)
    steps = attend(query, query, query, bias=bias)
    assert numpy.asarray(steps.weights).tolist() == [[[0.5, 0.5], [1.0, 0.0]]]
    assert numpy.asarray(steps.hidden).tolist() == [[[False, False], [False, True]]]
