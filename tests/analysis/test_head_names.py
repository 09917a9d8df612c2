"""The names of heads: what earns them, what chance could do as well, and what a text cannot tell."""

from __future__ import annotations

import math

import numpy
import pytest

from attnviz import Layer, Rule, Trace, trace_weights
from attnviz.analysis.corpus import Statistics
from attnviz.analysis.head_names import LUCK, MEASURED, Chance, Found, HeadName, head_names, limit, name_limits
from attnviz.analysis.metrics import Metric
from attnviz.trace.selection import select

TEXT = (
    "the",
    "old",
    "man",
    "saw",
    "the",
    "old",
    "dog",
    "and",
    "the",
    "old",
    "man",
    "ran",
    "to",
    "the",
    "old",
    "house",
    "with",
    "the",
    "dog",
)  # 19 tokens


def causal(rows: dict[int, int | dict[int, float]], count: int = len(TEXT)) -> numpy.ndarray:
    """Weights of a head whose query looks at the key that ``rows`` say, or at several; else at itself."""
    weights = numpy.eye(count)
    for query, keys in rows.items():
        weights[query] = 0
        for key, weight in ({keys: 1.0} if isinstance(keys, int) else keys).items():
            weights[query, key] = weight
    return weights


def named(*weights: numpy.ndarray, tokens=TEXT, **options) -> list[dict[str, float]]:
    """The names of each head, with their numbers."""
    trace = trace_weights(numpy.stack(weights)[None], list(tokens))
    statistics = Statistics(**options)
    statistics.add(trace, select(trace))
    return [{found.name.value: found.value for found in head.names} for head in statistics.heads()]


def earlier(query: int) -> list[int]:
    """Where the token of ``query`` stands before."""
    return [key for key in range(query) if TEXT[key] == TEXT[query]]


def test_each_name_is_earned_by_the_head_that_does_just_that():
    queries = range(1, len(TEXT))
    tokens = range(len(TEXT))
    heads = [
        causal(dict.fromkeys(queries, 0)),
        causal({query: query - 1 for query in queries}),
        causal({query: earlier(query)[-1] for query in queries if earlier(query)}),
        causal({query: earlier(query)[-1] + 1 for query in queries if earlier(query)}),
        numpy.full((len(TEXT), len(TEXT)), 1 / len(TEXT)),
    ]
    found = named(*heads)
    assert found[0] == {"first-token-sink": 1.0}
    assert found[1] == {"previous-token": 1.0}  # and local, which it says by itself
    assert found[2]["duplicate"] == 1.0
    assert found[3]["induction"] == 1.0
    assert {"first-token-sink", "previous-token", "induction"}.isdisjoint(found[2])
    assert {"first-token-sink", "previous-token", "duplicate"}.isdisjoint(found[3])
    assert found[4] == {"broad": pytest.approx(1.0)}
    near = numpy.array([[max(0, 4 - abs(query - key)) for key in tokens] for query in tokens], dtype=float)
    assert named(near / near.sum(axis=-1, keepdims=True))[0].keys() == {"local"}


def test_an_even_head_is_broad_and_nothing_else_however_short_the_text():
    for count in range(2, 40):
        zeros = numpy.zeros((1, count, 1))
        for rule in (Rule(), Rule(causal=True), Rule(causal=True, window=4)):
            trace = Trace(tuple("ab"[place % 2] for place in range(count)), (Layer(zeros, zeros, zeros, rule),))
            statistics = Statistics(near=3)
            statistics.add(trace, select(trace))
            (head,) = statistics.heads()
            assert {one.name for one in head.names} <= {HeadName.BROAD}


@pytest.mark.parametrize("count", [5, 13])
def test_heads_that_pick_keys_at_random_earn_no_names(count):
    """The hardest chance there is: all weight on one key, which is drawn."""
    drawn, heads = numpy.random.default_rng(count), 300
    chosen = numpy.stack([drawn.integers(query + 1, size=heads) for query in range(count)], axis=1)
    query, key = 1e4 * numpy.eye(count)[chosen], numpy.broadcast_to(numpy.eye(count), (heads, count, count))
    tokens = tuple(str(place % max(count // 2, 1)) for place in range(count))
    trace = Trace(tokens, (Layer(query, key, key[..., :1], Rule(causal=True)),))
    statistics = Statistics(near=3)
    statistics.add(trace, select(trace))
    earned = [one.name for head in statistics.heads() for one in head.names]
    for name in MEASURED:
        assert earned.count(name) <= 2 * LUCK * heads + 3, name


def test_a_threshold_counts_what_lies_above_an_even_head():
    assert limit(0.5, Chance(0.0, 9)) == 0.5
    assert limit(0.5, Chance(0.1, 1e9)) == pytest.approx(0.55)
    assert limit(0.5, Chance(1.0, 100)) is None
    assert limit(0.5, Chance(0.2, 0)) is None


@pytest.mark.parametrize(("even", "queries"), [(0.05, 20), (0.3, 8), (0.5, 40), (0.25, 6)])
def test_luck_reaches_a_threshold_no_oftener_than_it_may(even, queries):
    """Of independent hits, whose number is binomial."""
    least = limit(0.01, Chance(even, queries))
    assert least is not None
    hits = range(math.ceil(least * queries - 1e-9), queries + 1)
    luck = sum(math.comb(queries, one) * even**one * (1 - even) ** (queries - one) for one in hits)
    assert luck <= LUCK
    assert limit(0.01, Chance(even, 4 * queries)) < least


def test_what_no_text_could_tell_is_no_threshold():
    short = limit(0.5, Chance(0.5, 9))
    assert short is None  # 2 ** -9 is more than LUCK
    values = {Metric.PREVIOUS: 1.0, Metric.DUPLICATE: math.nan, Metric.EVENNESS: 0.9}
    chances = {Metric.PREVIOUS: Chance(0.5, 9), Metric.DUPLICATE: Chance(math.nan, 0), Metric.EVENNESS: Chance(0.5, 9)}
    limits = name_limits(values, chances)
    assert limits == {HeadName.PREVIOUS_TOKEN: None, HeadName.DUPLICATE: None, HeadName.BROAD: 0.85}
    assert head_names(values, limits) == (Found(HeadName.BROAD, 0.9, 0.85),)


def test_a_text_without_repeats_tells_nothing_of_copies():
    tokens = [str(place) for place in range(len(TEXT))]
    trace = trace_weights(causal({})[None, None], tokens)
    statistics = Statistics()
    statistics.add(trace, select(trace))
    limits = statistics.heads()[0].limits
    assert limits[HeadName.DUPLICATE] is limits[HeadName.INDUCTION] is None
    assert limits[HeadName.PREVIOUS_TOKEN] is not None


def test_a_threshold_of_ones_own():
    half = causal({query: {query - 1: 0.4, query: 0.6} for query in range(1, len(TEXT))})
    assert "previous-token" not in named(half)[0]
    assert named(half, thresholds={HeadName.PREVIOUS_TOKEN: 0.3})[0]["previous-token"] == pytest.approx(0.4)


def test_over_many_texts_luck_has_less_room():
    """Six queries cannot tell; ten texts of them can, and the mean over the texts is what counts."""
    trace = trace_weights(causal({1: 0, 2: 1, 3: 2, 4: 3}, 5)[None, None], list("abcde"))
    one, many = Statistics(), Statistics()
    one.add(trace, select(trace))
    for _ in range(10):
        many.add(trace, select(trace))
    assert one.heads()[0].limits[HeadName.PREVIOUS_TOKEN] is None
    (head,) = many.heads()
    assert [(found.name, found.value) for found in head.names] == [(HeadName.PREVIOUS_TOKEN, 1.0)]
