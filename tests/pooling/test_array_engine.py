"""Tiles of any size give the same map, in memory that does not grow, and stop when they are told to."""

from __future__ import annotations

import signal
import threading
import time

import numpy
import pytest
from pooling_oracle import KINDS, agree, allowed, expected

from attnviz import Rule
from attnviz.attention.formula import attend
from attnviz.pooling import array_engine
from attnviz.pooling.pool import pool_arrays
from attnviz.pooling.scores import Factors

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    "rule", [Rule(), Rule(causal=True), Rule(causal=True, window=300), Rule(window=40, softcap=2.0)]
)
@pytest.mark.some(2)
def test_several_tiles_in_single_precision(rule):
    random = numpy.random.default_rng(1)
    tokens = 4 * array_engine.TILE[1] - 99
    query, key = (random.standard_normal((heads, tokens, 16), dtype=numpy.float32) for heads in (2, 1))
    wanted = None
    for kind in KINDS.values():
        pooled = pool_arrays(kind(query), kind(key), rule, cells=100)
        assert pooled.cell == (20, 20)
        wanted = wanted or expected(query.astype(float), key.astype(float), rule, pooled)
        agree(pooled, wanted, 2e-5)  # four million cells: their own bounds, in the widest numbers, would take a minute


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.some(1)
def test_tiles_of_any_size_give_the_same(kind):
    query = KINDS[kind](numpy.random.default_rng(8).standard_normal((2, 64, 8)))
    plain = pool_arrays(query, query, Rule(causal=True), cells=16)
    for tile in ((1, 1), (4, 4), (3, 50), (32, 32)):
        pooled = pool_arrays(query, query, Rule(causal=True), cells=16, tile=tile)
        exact = numpy.asarray(query), numpy.asarray(query), Rule(causal=True), pooled
        agree(pooled, expected(*exact), allowed(*exact, float))
        assert (numpy.asarray(pooled.largest_key) == numpy.asarray(plain.largest_key)).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1.0, 40.0])
@pytest.mark.parametrize(
    "rule", [Rule(), Rule(causal=True, sinks=numpy.array([1.0, -1.0])), Rule(causal=True, window=9)]
)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.some(8)
def test_factors_are_in_the_map_and_in_nothing_else(kind, size, rule, signed):
    """Of each key, or with signs of each pair: the largest of a cell of negative numbers is no 0 of a hidden pair, and none of
    those that fill up the last cell."""
    draw = numpy.random.default_rng(9)
    query = KINDS[kind](size * numpy.random.default_rng(8).standard_normal((2, 60, 8)))
    factors = draw.uniform(-1, 0.2, (2, 60, 60)) if signed else draw.random((2, 1, 60))
    factors[0, :, 7], factors[1] = 0.0, factors[1] * 1e-6
    plain = pool_arrays(query, query, rule, [1, 0], cells=9)

    def of(one):
        return lambda rows, keys: one[rows if signed else slice(None), keys]

    given = [Factors(of(KINDS[kind](one)), signed) for one in factors]
    found = pool_arrays(query, query, rule, [1, 0], cells=9, tile=(11, 10), factors=given)
    steps = attend(query, query, query, **vars(rule))
    weights, hidden = (numpy.asarray(one)[[1, 0]] for one in (steps.weights, steps.hidden))
    brought = numpy.where(hidden, 0.0, weights * factors)
    largest = numpy.where(hidden, -numpy.inf if signed else 0.0, brought)
    edges = range(0, 60, 7)
    counts = numpy.outer(*[numpy.diff([*edges, 60])] * 2)
    for name, values, reduce in (("mean", brought, numpy.add), ("maximum", largest, numpy.maximum)):
        cells = reduce.reduceat(reduce.reduceat(values, edges, axis=1), edges, axis=2)
        cells = cells / counts if name == "mean" else cells
        numpy.testing.assert_allclose(numpy.asarray(getattr(found, name)), cells, rtol=1e-9, atol=1e-18, err_msg=name)
    for name in ("entropy", "largest", "largest_key", "first_key", "sink", "visible"):
        ours, theirs = (numpy.asarray(getattr(one, name)) for one in (found, plain))
        numpy.testing.assert_allclose(ours, theirs, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sink", [-3.0, 2.0, 900.0])
def test_of_queries_that_see_no_key_the_sink_takes_all(kind, sink):
    query = KINDS[kind](numpy.random.default_rng(8).standard_normal((1, 16, 4)))
    rule = Rule(causal=True, query_offset=-8, sinks=numpy.array([sink]))
    pooled = pool_arrays(query, query, rule, cells=16, tile=(4, 4))  # two blocks see nothing, and have no tile
    assert numpy.asarray(pooled.sink)[0, :8].tolist() == [1.0] * 8
    assert not numpy.asarray(pooled.mean)[0, :8].any()
    weights = attend(query, query, query, **vars(rule)).weights
    numpy.testing.assert_allclose(numpy.asarray(pooled.sink), 1 - numpy.asarray(weights).sum(axis=-1), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_an_interruption_stops_soon_and_leaves_no_thread(kind, monkeypatch):
    query = KINDS[kind](numpy.random.default_rng(6).standard_normal((1, 400, 8)))
    calls, usual, main, before = [], array_engine._pool_rows, threading.main_thread().ident, threading.active_count()

    def counted(*given):
        calls.append(given[1:])
        if len(calls) == 3:
            signal.pthread_kill(main, signal.SIGINT)
            time.sleep(0.3)  # until the main thread has heard it
        usual(*given)

    monkeypatch.setattr(array_engine, "_pool_rows", counted)
    with pytest.raises(KeyboardInterrupt):
        pool_arrays(query, query, cells=1, tile=(4, 512))  # one cell, and so one job, of 100 blocks
    assert len(calls) < 20
    until = time.monotonic() + 5  # a thread that was interrupted while it was begun is not waited for, but ends as well
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() == before


@pytest.mark.slow
def test_memory_does_not_grow_with_the_context():
    """T = 131,072, causal, on the CPU: minutes of time, and no more memory than a short context."""
    import resource

    random = numpy.random.default_rng(4)
    query, key = (torch.from_numpy(random.standard_normal((1, 131_072, 64), dtype=numpy.float32)) for _ in range(2))
    pool_arrays(query[:, :4096], key[:, :4096], Rule(causal=True))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pooled = pool_arrays(query, key, Rule(causal=True))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # KiB
    assert pooled.mean.shape == (1, 1024, 1024)
    assert float((pooled.mean.double().sum(-1) * 128 - 1).abs().max()) < 1e-3
