"""One key of a head: what every query gives to it is what it has in the whole of attend()'s weights."""

import tracemalloc

import numpy
import pytest

from attnviz import Layer, Rule, attend
from attnviz.analysis.key_column import key_columns

QUERIES, KEYS = 50, 60
DRAW = numpy.random.default_rng(0)
RULES = {
    "plain": Rule(),
    "causal": Rule(causal=True, query_offset=10),
    "window and cap": Rule(causal=True, query_offset=5, window=9, softcap=1.5, scale=0.7),
    "mask": Rule(mask=DRAW.random((4, QUERIES, KEYS)) < 0.5),
    "blind": Rule(mask=numpy.arange(QUERIES)[:, None] % 3 > 0),
    "padding": Rule(mask=numpy.arange(KEYS) > 7),
    "sinks": Rule(causal=True, query_offset=0, sinks=DRAW.normal(size=4)),
    "bias": Rule(bias=DRAW.normal(size=(4, QUERIES, KEYS))),
    "causal as a bias": Rule(bias=numpy.triu(numpy.full((QUERIES, KEYS), -1e4), 1)),
}


def a_layer(rule=RULES["plain"], size=1.0):
    query, key = (
        size * numpy.random.default_rng(1).normal(size=(heads, n, 6)) for heads, n in ((4, QUERIES), (2, KEYS))
    )
    return Layer(query, key, key, rule)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("size", [1.0, 30.0])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.some(11)
def test_a_column_is_that_of_the_whole(rule, size, backend):
    layer, heads = a_layer(rule, size), (2, 0, 3)
    whole = attend(layer.query, layer.key, layer.value, **vars(rule))
    if backend == "torch":
        torch = pytest.importorskip("torch")
        layer = Layer(*map(torch.from_numpy, (layer.query, layer.key, layer.value)), rule)
    for key in (0, 8, KEYS - 1):
        for head, column in zip(heads, key_columns(layer, heads, key), strict=True):
            for step in ("scores", "scaled", "masked", "weights", "hidden"):
                wanted = getattr(whole, step)[head, :, key]
                numpy.testing.assert_allclose(getattr(column, step), wanted, rtol=1e-9, atol=1e-12, err_msg=step)


def test_a_column_is_torchs():
    torch = pytest.importorskip("torch")
    layer = a_layer(Rule(causal=True, query_offset=0))
    query, key = torch.from_numpy(layer.query), torch.from_numpy(layer.key).repeat_interleave(2, dim=0)
    hidden = torch.ones(QUERIES, KEYS).triu(1).bool()
    weights = torch.softmax((query @ key.mT / 6**0.5).masked_fill(hidden, -torch.inf), dim=-1)
    for head, column in enumerate(key_columns(layer, range(4), 20)):
        numpy.testing.assert_allclose(column.weights, weights[head, :, 20], rtol=1e-9)


def test_half_precision_is_as_exact_as_single():
    query, key = (numpy.random.default_rng(2).normal(size=(1, 700, 16)).astype(numpy.float16) for _ in range(2))
    [column] = key_columns(Layer(query, key, key), (0,), 300)
    exact = attend(*(array.astype(float) for array in (query, key, key))).weights[0, :, 300]
    numpy.testing.assert_allclose(column.weights, exact, rtol=1e-5)


def test_nothing_of_queries_times_keys_is_held():
    """A text of 8,192 tokens: its weights would take 256 MiB in single precision, and a block of rows is 4 MiB."""
    array = numpy.zeros((1, 8192, 2), numpy.float32)
    tracemalloc.start()
    [column] = key_columns(Layer(array, array, array, Rule(causal=True)), (0,), 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20
    numpy.testing.assert_allclose(column.weights[5:], 1 / numpy.arange(6, 8193), rtol=1e-5)


def test_how_far_it_is_is_told():
    heard = []
    list(key_columns(a_layer(), (0, 1), 3, lambda done, of: heard.append(done / of)))
    assert heard == sorted(heard)
    assert heard[-1] == 1
