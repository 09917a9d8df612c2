"""The scores of any cells of a head are attend()'s, up to the softmax."""

from __future__ import annotations

import math

import numpy
import pytest
from hiding_rules import HEADS, KEY_HEADS, TOKENS, arrays, rules
from numpy.testing import assert_allclose, assert_array_equal

from attnviz import AttnvizError, Rule, attend
from attnviz.pooling.scores import Head, longest

ROWS, KEYS = numpy.arange(TOKENS)[None, :], numpy.arange(TOKENS)[:, None]  # as a tile has them: (keys, queries)


def head_of(rule: Rule, number: int, kind=numpy.float64, bound: float = 1e3) -> Head:
    query, key, _ = arrays(kind)
    return Head.of(query, key, rule, number, numpy.dtype(kind), bound)


@pytest.mark.parametrize("number", [0, 3])
@pytest.mark.parametrize("name", rules())
@pytest.mark.some(37)
def test_a_tile_of_scores_is_the_masked_scores(name, number):
    rule = rules()[name]
    head = head_of(rule, number)
    product = head.keys(0, TOKENS) @ head.queries(0, TOKENS).T
    query, key, value = arrays()
    masked = attend(query, key, value, **vars(rule)).masked[number]
    scores = head.scores(product, ROWS, KEYS).T
    assert_array_equal(scores == -math.inf, masked == -math.inf)
    assert_allclose(scores[scores > -math.inf], masked[masked > -math.inf], rtol=1e-12, atol=1e-12)
    some = numpy.array([[5], [2]]), numpy.array([[0, 4, 1], [6, 2, 2]])
    products = (head.queries(0, TOKENS)[some[0]] * head.keys(0, TOKENS)[some[1]]).sum(axis=-1)
    assert_allclose(head.scores(products, *some), masked[some[0], some[1]], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("rule", "sees"),
    [
        (Rule(), True),
        (Rule(causal=True), False),
        (Rule(causal=True, query_offset=TOKENS), True),
        (Rule(window=TOKENS), True),
        (Rule(window=2), False),
        (Rule(softcap=3.0), False),
        (Rule(bias=numpy.zeros((TOKENS, TOKENS))), False),
        (Rule(mask=numpy.ones((TOKENS, TOKENS), dtype=bool)), False),
    ],
)
def test_a_tile_takes_nothing_from_the_rule_where_all_is_seen_as_it_is(rule, sees):
    assert head_of(rule, 0).sees_all((0, TOKENS), (0, TOKENS)) is sees


def test_scores_that_could_overflow_are_looked_at():
    assert not head_of(Rule(), 0, bound=math.inf).sees_all((0, 1), (0, 1))
    with pytest.raises(AttnvizError, match="the scaled scores are too large for float64"):
        head_of(Rule(), 0, bound=math.inf).scores(numpy.full((TOKENS, TOKENS), math.inf), ROWS, KEYS)


def test_a_bias_that_overflows_is_refused():
    head = head_of(Rule(bias=numpy.full((TOKENS, TOKENS), 1.7e308)), 0)
    with (
        numpy.errstate(over="ignore"),
        pytest.raises(AttnvizError, match="the masked scores are too large for float64"),
    ):
        head.scores(numpy.full((TOKENS, TOKENS), 1e308), ROWS, KEYS)


def test_a_head_is_calm_where_no_exponential_can_leave_its_range():
    assert head_of(Rule(), 0).calm(head_of(Rule(), 0).queries(0, TOKENS))
    assert not head_of(Rule(scale=1e6), 0).calm(head_of(Rule(scale=1e6), 0).queries(0, TOKENS))
    assert not head_of(Rule(bias=numpy.zeros((TOKENS, TOKENS))), 0).calm(numpy.zeros((1, 5)))
    assert not head_of(Rule(sinks=numpy.full(HEADS, 1e4)), 0).calm(numpy.zeros((1, 5)))
    assert head_of(Rule(sinks=numpy.ones(HEADS)), 0).calm(numpy.zeros((1, 5)))


def test_a_head_reads_the_keys_of_its_group():
    _, key, _ = arrays()
    for number in range(HEADS):
        assert_array_equal(head_of(Rule(), number).key, key[number // (HEADS // KEY_HEADS)])


def test_the_longest_row():
    assert longest(numpy.array([[3.0, 4.0], [1.0, 1.0]])) == 25
    assert longest(numpy.full((1, 2), 1e200)) == math.inf
