"""What each head does: every metric against its definition, written out cell by cell."""

from __future__ import annotations

import math
import tracemalloc

import numpy
import pytest
from numpy.testing import assert_allclose

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.analysis import measure
from attnviz.analysis.blocks import cuts, row_block
from attnviz.analysis.measure import head_metrics, measured
from attnviz.analysis.metrics import Metric

DRAW = numpy.random.default_rng(0)
TEXT = ["the", "cat", "sat", "on", "the", "mat", "and", "the", "cat", "slept", "on", "the", "mat", "again"]
RULES = {
    "plain": {},
    "causal": {"causal": True},
    "window": {"causal": True, "window": 3},
    "sinks": {"causal": True, "sinks": numpy.array([0.5, -1.0, 2.0, 0.0])},
    "blind": {"mask": numpy.arange(len(TEXT))[:, None] != 2},
    "left padding": {"causal": True, "mask": numpy.arange(len(TEXT)) > 2},
    "windowed padding": {"window": 4, "mask": numpy.arange(len(TEXT)) > 2},
    "offset": {"causal": True, "query_offset": 2},
    "window before": {"causal": True, "window": 3, "query_offset": -4},
    "a mask of pairs": {"causal": True, "mask": numpy.random.default_rng(1).random((len(TEXT), len(TEXT))) < 0.4},
    "padding as a bias": {
        "causal": True,
        "bias": numpy.where(numpy.arange(len(TEXT)) > 2, 0.0, numpy.finfo(float).min),
    },
}
WHOLE = range(len(TEXT))
PLACES = numpy.arange(3000)  # of a longer text
LEFT = (1, 2, 4, 5, 6, 8, 9, 11, 12)  # the positions that are left where some are hidden


def trace(**rule) -> Trace:
    query, key = (DRAW.normal(size=(heads, len(TEXT), 6)) for heads in (4, 2))
    return Trace(tuple(TEXT), (Layer(query, key, key, Rule(**rule)),))


def allowed(rule) -> numpy.ndarray:
    """Which keys each query may look at, (queries, keys), from the words of the rule alone."""
    places = numpy.arange(len(TEXT))
    behind = places[:, None] + rule.get("query_offset", 0) - places
    seen = behind >= 0 if rule.get("causal") else numpy.ones_like(behind, dtype=bool)
    seen = seen & (abs(behind) < rule.get("window", numpy.inf)) & rule.get("mask", True)
    if "bias" not in rule:
        return seen
    lowered = seen & (rule["bias"] == 0)
    return numpy.where(lowered.any(axis=1, keepdims=True), lowered, seen)  # lowered as a whole, a row is not hidden


def mean(values) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def by_definition(metric: Metric, weights, visible, near: int, offset: int = 0, left=WHOLE) -> float:
    """One head's value, from its rows of weights and of what the mask allows."""
    first = min((key for key in left if visible[:, key].any()), default=-1)
    return mean(value(metric, query + offset, weights[query], visible[query], near, left, first) for query in left)


def value(metric: Metric, query: int, row, allowed, near: int, left, first: int) -> float:
    keys = [key for key in left if allowed[key]]
    if not keys:
        return math.nan
    rest = max(0.0, 1 - sum(row[key] for key in keys))
    row = [share if key in keys else 0.0 for key, share in enumerate(row)]
    shares = [share for share in (*row, rest if rest > 1e-12 else 0.0) if share > 0]
    entropy = -sum(share * math.log2(share) for share in shares)
    token = TEXT[query] if query < len(TEXT) else None
    copies = [key for key in range(min(query, len(TEXT))) if TEXT[key] == token]

    def on(places):
        places = [key for key in places if key in keys]
        return sum(row[key] for key in places) if places else math.nan

    match metric:
        case Metric.ENTROPY:
            return entropy
        case Metric.EVENNESS:
            options = len(keys) + (rest > 1e-12)
            return entropy / math.log2(options) if options > 1 else math.nan
        case Metric.LARGEST:
            return max(row)
        case Metric.EFFECTIVE_KEYS:
            return sum(row) ** 2 / sum(share**2 for share in row)
        case Metric.FIRST:
            return row[first] if first in keys and len(keys) > 1 else math.nan
        case Metric.SELF:
            return on([query])
        case Metric.PREVIOUS:
            return on([query - 1] if query else [])
        case Metric.DUPLICATE:
            return on(copies)
        case Metric.INDUCTION:
            return on(key + 1 for key in copies if key + 1 < query)
        case Metric.DISTANCE:
            return sum(row[key] * abs(query - key) for key in keys) / sum(row)
        case Metric.NEAR:
            return sum(row[key] for key in keys if abs(query - key) < near)
        case Metric.MASS:
            return sum(row)


# Whose token a query behind an offset has is told by no text, so nothing is known of its copies.
DEFINED = [
    (name, metric)
    for name, rule in RULES.items()
    for metric in Metric
    if not (rule.get("query_offset") and metric in (Metric.DUPLICATE, Metric.INDUCTION))
]


@pytest.mark.parametrize("left", [None, LEFT], ids=["whole", "some"])
@pytest.mark.parametrize(("name", "metric"), DEFINED)
def test_every_metric_is_its_definition(name, metric, left):
    rule = RULES[name]
    made = trace(**rule)
    steps = made.layers[0].steps()
    where = {"offset": rule.get("query_offset", 0)} | ({} if left is None else {"left": left})
    expected = [by_definition(metric, weights, allowed(rule), 3, **where) for weights in steps.weights]
    assert_allclose(measured(made, made.layers[0], 3, queries=left, keys=left).metrics[metric], expected, atol=1e-9)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_hidden_keys_took_is_the_mean_over_the_queries_that_are_left(rule):
    made = trace(**rule)
    hidden = [key for key in range(len(TEXT)) if key not in LEFT]
    taken = made.layers[0].steps().weights[:, LEFT][..., hidden].sum(axis=-1).mean(axis=-1)
    assert_allclose(measured(made, made.layers[0], queries=LEFT, keys=LEFT).left_out, taken, atol=1e-12)
    assert (measured(made, made.layers[0]).left_out == 0).all()


def test_the_first_key_by_hand():
    """Even weights: behind two tokens of padding, and where the first token is hidden."""
    zeros = numpy.zeros((1, 5, 2))
    padded = Layer(zeros, zeros, zeros, Rule(causal=True, mask=numpy.arange(5) > 1))
    # Only the last two queries see the third key and another: 1/2 and 1/3.
    assert head_metrics(Trace(tuple("abcde"), (padded,)), padded)[Metric.FIRST] == pytest.approx((1 / 2 + 1 / 3) / 2)
    causal = Layer(zeros, zeros, zeros, Rule(causal=True))
    rest = measured(Trace(tuple("abcde"), (causal,)), causal, queries=(1, 2, 3, 4), keys=(1, 2, 3, 4))
    assert rest.metrics[Metric.FIRST] == pytest.approx((1 / 3 + 1 / 4 + 1 / 5) / 3)
    assert rest.metrics[Metric.SELF] == pytest.approx((1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 4)
    assert rest.metrics[Metric.PREVIOUS] == pytest.approx((1 / 3 + 1 / 4 + 1 / 5) / 3)
    assert rest.metrics[Metric.LARGEST] == pytest.approx((1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 4)
    assert rest.left_out == pytest.approx((1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 4)
    window = Layer(zeros, zeros, zeros, Rule(causal=True, window=2))
    assert head_metrics(Trace(tuple("abcde"), (window,)), window)[Metric.FIRST] == pytest.approx(1 / 2)


def test_nothing_of_queries_times_keys_is_held():
    """A text of 4,096 tokens: its map would take 128 MiB a head in float64."""
    array = numpy.zeros((1, 4096, 2))
    layer = Layer(array, array, array, Rule(causal=True))
    made = Trace(tuple(map(str, range(4096))), (layer,))
    tracemalloc.start()
    measured(made, layer, queries=range(1, 4096), keys=range(1, 4096), cells=1 << 18)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 48 << 20


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_has_a_definition_in_words(metric):
    assert len(metric.function.__doc__) > 40
    assert metric.unit


@pytest.mark.parametrize("cells", [1, 14 * 5, 14 * 2 * 3, 10**9])
@pytest.mark.parametrize("left", [None, LEFT], ids=["whole", "some"])
@pytest.mark.parametrize("rule", ["sinks", "windowed padding"])
def test_block_by_block_gives_the_same(cells, left, rule):
    made = trace(**RULES[rule])
    whole = measured(made, made.layers[0], queries=left, keys=left)
    blocks = measured(made, made.layers[0], queries=left, keys=left, cells=cells)
    assert_allclose(blocks.left_out, whole.left_out, atol=1e-12)
    for metric, values in blocks.metrics.items():
        assert_allclose(values, whole.metrics[metric], atol=1e-12)


def test_keys_that_no_query_may_look_at_are_not_computed():
    """A window of 16 over 4,096 tokens, and both halves of a causal text."""
    array = numpy.ones((1, 4096, 2))
    computed = {}
    for name, rule in {"window": Rule(causal=True, window=16), "causal": Rule(causal=True), "full": Rule()}.items():
        layer = Layer(array, array, array, rule)
        computed[name] = (
            sum(row_block(layer, *cut).steps.weights.size for cut in cuts(layer, range(1), range(4096))) / 4096**2
        )
    assert computed["full"] == 1
    assert 0.5 < computed["causal"] < 0.6
    assert computed["window"] < 0.07


@pytest.mark.parametrize(
    ("mask", "first"),
    [
        (PLACES >= 2000, 2000),
        ((PLACES >= 2000) & (PLACES[:, None] >= 0), 2000),
        ((PLACES >= 2000) & (PLACES[:, None] >= 2500), 2000),
        ((PLACES == 7) & (PLACES[:, None] == 7), 7),
        (PLACES[:, None] < PLACES, None),  # and causal: nothing is left
    ],
    ids=["keys", "pairs", "late queries", "one pair", "nothing"],
)
def test_the_first_key_is_found_by_the_rule_alone(mask, first, monkeypatch):
    array = numpy.ones((2, len(PLACES), 2))
    layer = Layer(array, array, array, Rule(causal=True, mask=mask))
    monkeypatch.setattr(Layer, "steps", lambda *_: pytest.fail("scores were computed"))
    assert measure._first_key(layer, numpy.ones(len(PLACES), dtype=bool)) == first
    bias = Layer(array, array, array, Rule(causal=True, bias=numpy.where(mask, 0.0, -1e9)))
    behind = PLACES[:, None] >= PLACES
    seen = mask & behind
    seen = numpy.where(seen.any(axis=1, keepdims=True), seen, behind)  # a row that is lowered as a whole is not hidden
    assert measure._first_key(bias, numpy.ones(len(PLACES), dtype=bool)) == int(seen.any(axis=0).argmax())


def test_copies_are_told_by_all_of_a_token():
    tokens = ("a", "a\0", "A", "x" * 1_000_000)
    array = numpy.ones((1, 4, 2))
    layer = Layer(array, array, array)
    assert measure._copies(Trace(tokens, (layer,)), layer).tolist() == [0, 1, 0, 2]


def test_blocks_hold_every_row_once():
    made = trace(causal=True, window=5, bias=DRAW.normal(size=(4, 14, 14)))
    whole = made.layers[0].steps()
    seen = numpy.zeros((4, 14), dtype=int)
    for cut in cuts(made.layers[0], range(4), range(14), cells=14 * 2 * 3):
        block = row_block(made.layers[0], *cut)
        seen[block.heads, block.rows] += 1
        for ours, theirs in zip(block.steps[:4], whole[:4], strict=True):
            assert_allclose(ours, theirs[block.heads, block.rows, block.keys], atol=1e-12)
        assert_allclose(block.steps.weights.sum(axis=-1), 1)  # a key that is not among them has none of the weight
    assert (seen == 1).all()


def test_ids_tell_copies_where_labels_do_not():
    made = trace(causal=True)
    other = Trace(made.tokens, made.layers, {"ids": list(range(14))})
    assert numpy.isnan(head_metrics(other, other.layers[0])[Metric.DUPLICATE]).all()
    assert not numpy.isnan(head_metrics(made, made.layers[0])[Metric.DUPLICATE]).any()


def test_places_mean_nothing_between_two_texts():
    layer = Layer(DRAW.normal(size=(2, 3, 4)), key := DRAW.normal(size=(2, 5, 4)), key, key_tokens=tuple("vwxyz"))
    metrics = head_metrics(made := Trace(tuple("abc"), (layer,)), made.layers[0])
    unknown = {metric for metric, values in metrics.items() if numpy.isnan(values).all()}
    assert unknown == {
        Metric.SELF,
        Metric.PREVIOUS,
        Metric.DUPLICATE,
        Metric.INDUCTION,
        Metric.DISTANCE,
        Metric.NEAR,
    }


def test_even_weights_have_the_largest_entropy():
    zeros = numpy.zeros((1, 8, 2))
    metrics = head_metrics(made := Trace(tuple("abcdefgh"), (Layer(zeros, zeros, zeros),)), made.layers[0])
    assert metrics[Metric.ENTROPY] == pytest.approx(3)
    assert metrics[Metric.EVENNESS] == pytest.approx(1)
    assert metrics[Metric.EFFECTIVE_KEYS] == pytest.approx(8)


def test_torch_and_numpy_agree():
    made = trace_text(" ".join(TEXT), heads=3, causal=True)
    other = made.to("torch")
    ours, theirs = (head_metrics(one, one.layers[0]) for one in (made, other))
    for metric in Metric:
        assert_allclose(theirs[metric], ours[metric], atol=1e-9)
