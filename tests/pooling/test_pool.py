"""The pooled map is attend()'s weights, pooled: for every rule, for NumPy and torch, for any number of tokens."""

import logging
import math
import re
import signal
import subprocess
import sys
import threading
import time
import types
from dataclasses import replace
from itertools import product

import numpy
import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from kernel_rules import KERNEL_RULES

from attnviz import AttnvizError, Layer, Rule, Trace, attend
from attnviz.attention.toeplitz import is_spread, spread
from attnviz.pooling import array_engine
from attnviz.pooling.gpu import engine
from attnviz.pooling.pool import pool, pool_arrays
from attnviz.progress import no_progress

torch = pytest.importorskip("torch")

KINDS = {"numpy": numpy.asarray, "torch": torch.as_tensor}
BLOCKS = (4, 8), (512, 1024)
ROWS = ("entropy", "largest", "first_key", "sink")


def expected(query, key, rule, pooled):
    """What average and maximum pooling of attend()'s weights gives, and the measures of the weights' rows."""
    steps = attend(query, key, key, **vars(rule))
    weights, visible = steps.weights, ~steps.hidden
    weights = weights if weights.ndim > 2 else weights[None]
    sink = numpy.clip(1 - weights.sum(axis=-1), 0, 1) if rule.sinks is not None else numpy.zeros(weights.shape[:2])

    def cells(reduce, array):
        starts = pooled.query_edges[:-1], pooled.key_edges[:-1]
        array = array[:, : pooled.query_edges[-1], : pooled.key_edges[-1]]
        return reduce.reduceat(reduce.reduceat(array, starts[0], axis=1), starts[1], axis=2)

    area = numpy.diff(pooled.query_edges)[:, None] * numpy.diff(pooled.key_edges)
    rows = slice(pooled.query_edges[0], pooled.query_edges[-1])
    return {
        "mean": cells(numpy.add, weights) / area,
        "maximum": cells(numpy.maximum, weights),
        "visible": cells(numpy.add, visible.astype(float)) / area,
        "entropy": (-plogp(weights).sum(axis=-1) - plogp(sink))[:, rows],
        "sink": sink[:, rows],
        "largest": weights.max(axis=-1)[:, rows],
        "first_key": weights[:, rows, 0],
        "weights": weights[:, rows],
    }


def plogp(shares):
    return shares * numpy.log2(numpy.where(shares > 0, shares, 1))


def agree(pooled, wanted, tolerance):
    for name in ("mean", "maximum", "visible", *ROWS):
        numpy.testing.assert_allclose(
            numpy.asarray(getattr(pooled, name)), wanted[name], rtol=tolerance, atol=tolerance, err_msg=name
        )
    at = numpy.take_along_axis(wanted["weights"], numpy.asarray(pooled.largest_key)[..., None], axis=-1)[..., 0]
    numpy.testing.assert_allclose(at, wanted["largest"], rtol=tolerance, atol=tolerance, err_msg="largest_key")


def lower(draw, random, bias, row, cell):
    """Some whole rows and single cells of ``bias`` as masks that are added make them."""
    bias[..., random.random(bias.shape[-2]) < 0.3, :] += draw(st.sampled_from(row))
    bias[random.random(bias.shape) < 0.2] = draw(st.sampled_from(cell))


def lowest(dtype):
    return [0.0, -1e4, -1e9, float(numpy.finfo(dtype).min)]


@st.composite
def whole_numbers(draw):
    """Scores in float32 that come out the same in whatever order they are summed, so that what vanishes does in both."""
    queries, keys, kind = draw(st.integers(1, 40)), draw(st.integers(1, 40)), numpy.float32
    random = numpy.random.default_rng(draw(st.integers(0, 2**32)))
    size = draw(st.sampled_from([1, 3, 1000]))
    query, key = (random.integers(-size, size + 1, (2, tokens, 4)).astype(kind) for tokens in (queries, keys))
    bias = random.integers(-3, 4, (queries, keys)).astype(kind)
    lower(draw, random, bias, lowest(kind), lowest(kind))
    rule = Rule(
        scale=draw(st.sampled_from([0.5, 2.0, 256.0])),
        causal=draw(st.booleans()),
        query_offset=draw(st.integers(-5, 50)),
        mask=random.random((queries, keys)) < 0.7 if draw(st.booleans()) else None,
        bias=bias if draw(st.booleans()) else None,
        sinks=numpy.asarray([0.0, draw(st.sampled_from([-1e9, 1e3, 1e9]))], kind) if draw(st.booleans()) else None,
    )
    return query, key, rule, draw(st.integers(1, 50))


@st.composite
def problems(draw):
    group, kv_heads = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    queries, keys = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    random = numpy.random.default_rng(draw(st.integers(0, 2**32)))
    heads = group * kv_heads
    size = draw(st.sampled_from([0.1, 1.0, 30.0]))  # calm scores, usual ones, and some that need the shift
    query = size * random.standard_normal((heads, queries, 4))
    key = size * random.standard_normal((kv_heads, keys, 4))
    shape = draw(
        st.sampled_from([(queries, keys), (heads, queries, keys), (1, queries, keys), (1, keys), (heads, queries, 1)])
    )
    bias = random.standard_normal(shape)
    bias[random.random(shape) < 0.2] = -math.inf
    lower(draw, random, bias, [0.0, -1e4], lowest(float))
    rule = Rule(
        scale=draw(st.sampled_from([None, 0.0, -0.5, 2.0])),
        causal=draw(st.booleans()),
        query_offset=draw(st.integers(-50, 50)),
        window=draw(st.none() | st.integers(1, 50)),
        softcap=draw(st.none() | st.floats(0.5, 50)),
        mask=random.random(shape) < 0.7 if draw(st.booleans()) else None,
        bias=bias if draw(st.booleans()) else None,
        sinks=draw(st.sampled_from([3, 2000])) * random.standard_normal(heads) if draw(st.booleans()) else None,
    )
    return query, key, rule, draw(st.integers(1, 50))


@given(problem=problems())
def test_the_map_is_the_weights_pooled(problem):
    check(*problem, 1e-10)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [None, 6, 1350, 2**53])
@pytest.mark.parametrize("offset", [-(2**53), -3, 3 * 10**15, 8219482817533501])
def test_positions_may_lie_as_far_as_a_rule_allows(offset, window, causal):
    query, key = numpy.random.default_rng(0).standard_normal((2, 2, 20, 4))
    rule = Rule(causal=causal, query_offset=offset, window=window)
    pooled = pool_arrays(query, key, rule, cells=6)
    agree(pooled, expected(query, key, rule, pooled), 1e-10)


@given(problem=whole_numbers())
def test_the_map_is_the_weights_pooled_in_single_precision(problem):
    check(*problem, 2e-5)


def part_of(draw, count):
    """Some of so many positions that follow each other."""
    start = draw(st.integers(0, count - 1))
    return range(start, draw(st.integers(start + 1, count)))


@given(problem=problems(), data=st.data())
def test_a_region_is_of_the_same_weights(problem, data):
    queries, keys = (part_of(data.draw, array.shape[1]) for array in problem[:2])
    check(*problem, 1e-10, queries=queries, keys=keys)


def check(query, key, rule, cells, tolerance, **region):
    """Pool for NumPy and torch, in one tile and in several, and compare each with the same weights."""
    wanted = None
    for sizes, (name, kind) in product(BLOCKS, KINDS.items()):
        note(f"{name}, tiles of {sizes}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(array_engine, "QUERY_BLOCK", sizes[0])
            patch.setattr(array_engine, "KEY_BLOCK", sizes[1])
            pooled = pool_arrays(kind(query), kind(key), rule, cells=cells, **region)
        assert type(pooled.mean) is type(kind(query))
        assert numpy.asarray(pooled.mean).dtype == query.dtype
        assert max(pooled.mean.shape[1:]) <= cells
        for edges, side in ((pooled.query_edges, region.get("queries")), (pooled.key_edges, region.get("keys"))):
            assert side is None or (edges[0], edges[-1]) == (side.start, side.stop)
        wanted = wanted or expected(query, key, rule, pooled)
        agree(pooled, wanted, tolerance)


@pytest.mark.parametrize(
    "rule", [Rule(), Rule(causal=True), Rule(causal=True, window=300), Rule(window=40, softcap=2.0)]
)
def test_several_tiles_in_single_precision(rule):
    random = numpy.random.default_rng(1)
    tokens = 4 * array_engine.KEY_BLOCK - 99
    query, key = (random.standard_normal((heads, tokens, 16), dtype=numpy.float32) for heads in (2, 1))
    wanted = None
    for kind in KINDS.values():
        pooled = pool_arrays(kind(query), kind(key), rule, cells=100)
        assert pooled.cell == (20, 20)
        wanted = wanted or expected(query.astype(float), key.astype(float), rule, pooled)
        agree(pooled, wanted, 2e-5)


def test_tiles_are_larger_where_it_is_no_cpu(monkeypatch):
    sizes, usual = [], array_engine._reduce_tile

    def counted(*given):
        sizes.append((given[2][1] - given[2][0], given[3].last - given[3].first))
        usual(*given)

    monkeypatch.setattr(array_engine, "_reduce_tile", counted)
    monkeypatch.setattr(array_engine, "QUERY_BLOCK", 4)
    monkeypatch.setattr(array_engine, "KEY_BLOCK", 4)
    query = torch.randn(1, 64, 8)
    plain = pool_arrays(query, query, Rule(causal=True), cells=16)
    assert set(sizes) == {(4, 4)}
    sizes.clear()
    monkeypatch.setattr(array_engine, "on_cpu", lambda _: False)
    pooled = pool_arrays(query, query, Rule(causal=True), cells=16)
    assert set(sizes) == {(32, 32)}
    torch.testing.assert_close(pooled.mean, plain.mean)
    assert torch.equal(pooled.largest_key, plain.largest_key)


def test_half_precision_is_computed_in_single():
    query, key = (torch.randn(1, 50, 8).bfloat16() for _ in range(2))
    pooled = pool_arrays(query, key, cells=7)
    assert pooled.mean.dtype == torch.float32
    agree(pooled, expected(query.double().numpy(), key.double().numpy(), Rule(), pooled), 1e-5)


def test_heads_are_chosen_in_the_order_given():
    random = numpy.random.default_rng(2)
    query, key = (random.standard_normal((heads, 20, 8)) for heads in (4, 2))
    rule = Rule(sinks=random.standard_normal(4), bias=random.standard_normal((4, 20, 20)))
    layer = Layer(query, key, key, rule)
    whole, some = pool(layer, cells=5), pool(layer, heads=[3, 0], cells=5)
    assert some.heads == (3, 0)
    numpy.testing.assert_array_equal(some.mean, whole.mean[[3, 0]])
    numpy.testing.assert_array_equal(some.entropy, whole.entropy[[3, 0]])


def test_a_row_of_cells_keeps_its_mass():
    random = numpy.random.default_rng(3)
    query = random.standard_normal((1, 103, 8))
    pooled = pool_arrays(query, query, Rule(causal=True), cells=10)
    numpy.testing.assert_allclose(pooled.mean @ numpy.diff(pooled.key_edges), 1)
    assert (pooled.visible[0][numpy.triu_indices(10, 1)] == 0).all()
    assert (numpy.diagonal(pooled.visible[0]) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_bias_by_distance_is_pooled_as_it_is_held(kind, monkeypatch):
    """A number a distance, also where torch computes; as queries × keys it would fill the memory."""
    random = numpy.random.default_rng(7)
    query, key = (random.standard_normal((heads, tokens, 8)) for heads, tokens in ((4, 60), (2, 90)))
    bias = spread(random.standard_normal((4, 149)), 60)
    made = Layer(KINDS[kind](query), KINDS[kind](key), KINDS[kind](key), Rule(bias=bias, causal=True, query_offset=20))
    moved = Trace(tuple(map(str, range(60))), (replace(made, key_tokens=tuple(map(str, range(90)))),)).to(kind)
    assert is_spread(moved.layers[0].rule.bias)
    monkeypatch.setattr(array_engine, "QUERY_BLOCK", 16)
    pooled = pool(moved.layers[0], cells=7)
    agree(pooled, expected(query, key, made.rule, pooled), 1e-10)


SINGLE = {name: numpy.ones((2, 5, 4), numpy.float32) for name in ("query", "key")}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cells": 0}, "cells is 0"),
        ({"cells": 2.5}, r"cells is 2.5: expected how many there are across a map, a whole number"),
        ({"cells": "9"}, "cells is '9': expected"),
        ({"heads": [2]}, "there is no head 2"),
        ({"heads": []}, "no head is chosen"),
        ({"heads": 1}, r"heads is 1: expected the numbers of some heads, such as \[0, 3\]"),
        ({"heads": "01"}, "one of heads is '0': expected the numbers"),
        ({"heads": [0.0]}, "one of heads is 0.0: expected the numbers"),
        ({"queries": slice(0, 5)}, r"queries is slice\(0, 5, None\): expected positions .*, such as range\(0, 100\)"),
        ({"keys": [0, 1]}, r"keys is \[0, 1\]: expected positions that follow each other"),
        ({"queries": range(0, 5, 2)}, r"queries is range\(0, 5, 2\): expected positions .*, and its step is 2"),
        ({"queries": range(4, 1, -1)}, "its step is -1"),
        ({"keys": range(3, 3)}, r"keys is range\(3, 3\): the range is empty"),
        ({"keys": range(3, 9)}, r"keys is range\(3, 9\): there are 5 keys, at the positions 0 to 4"),
        ({"queries": range(-1, 3)}, r"queries is range\(-1, 3\): there are 5 queries"),
        ({"key": numpy.ones((1, 5, 3))}, "dimensions"),
        ({"key": numpy.ones((1, 6, 4)), "rule": Rule(causal=True)}, "which key does the first query stand at"),
        ({"query": numpy.full((1, 5, 4), math.nan)}, "query is not finite"),
        ({"query": numpy.full((1, 5, 4), 1e200), "key": numpy.full((1, 5, 4), 1e200)}, "too large"),
        ({"rule": Rule(mask=numpy.ones((3, 5), bool))}, "does not fit"),
        ({"rule": Rule(sinks=numpy.ones(3))}, "one logit a head"),
        ({"rule": Rule(bias=numpy.full((5, 5), 1.7e308)), "key": numpy.full((1, 5, 4), 4e307)}, "masked are too large"),
        (SINGLE | {"rule": Rule(bias=numpy.full((5, 5), 1e300))}, "masked are too large for float32"),
        (
            SINGLE | {"query": numpy.full((2, 5, 4), 1e10, numpy.float32), "rule": Rule(scale=1e30)},
            "query times the scale",
        ),
        (SINGLE | {"rule": Rule(softcap=1e-40)}, "float32 has no such number"),
        (SINGLE | {"rule": Rule(sinks=numpy.full(2, 1e300))}, "sinks holds a value that is not finite"),
    ],
)
def test_what_does_not_fit_is_said(change, message):
    given = {"query": numpy.ones((2, 5, 4)), "key": numpy.ones((1, 5, 4))} | change
    with pytest.raises(AttnvizError, match=message):
        pool_arrays(**given)


def test_heads_and_cells_may_be_numbers_of_numpy():
    array = numpy.ones((3, 5, 4))
    assert pool_arrays(array, array, heads=numpy.array([2, 0]), cells=numpy.int32(2)).heads == (2, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bias_that_overflows_is_refused_in_torch_too(kind):
    query, bias = (
        KINDS[kind](array.astype(numpy.float32)) for array in (numpy.full((1, 5, 4), 8e18), numpy.full((5, 5), 3.4e38))
    )
    with pytest.raises(AttnvizError, match="masked are too large"):
        attend(query, query, query, bias=bias)
    with pytest.raises(AttnvizError, match="masked are too large"):
        pool_arrays(query, query, Rule(bias=bias))


def test_what_requires_a_gradient_is_pooled_all_the_same():
    query = torch.randn(2, 9, 4, requires_grad=True)
    learned = {"sinks": torch.randn(2, requires_grad=True), "bias": torch.randn(9, 9, requires_grad=True)}
    pooled = pool_arrays(query, query, Rule(**learned), cells=3)
    plain = pool_arrays(query, query, Rule(**{name: tensor.detach() for name, tensor in learned.items()}), cells=3)
    assert not pooled.mean.requires_grad
    assert torch.equal(pooled.mean, plain.mean)


@pytest.mark.parametrize("kind", KINDS)
def test_an_interruption_stops_soon_and_leaves_no_thread(kind, monkeypatch):
    query = KINDS[kind](numpy.random.default_rng(6).standard_normal((1, 400, 8)))
    calls, usual, main, before = [], array_engine._pool_rows, threading.main_thread().ident, threading.active_count()

    def counted(*given):
        calls.append(given[1])
        if len(calls) == 3:
            signal.pthread_kill(main, signal.SIGINT)
            time.sleep(0.3)  # until the main thread has heard it
        usual(*given)

    monkeypatch.setattr(array_engine, "_pool_rows", counted)
    monkeypatch.setattr(array_engine, "QUERY_BLOCK", 4)
    with pytest.raises(KeyboardInterrupt):
        pool_arrays(query, query, cells=1)  # one cell, and so one job, of 100 array_engine
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


FLOAT64 = {name: torch.ones(1, 9, 4, dtype=torch.float64) for name in ("query", "key")}
WIDE = {name: torch.ones(1, 9, 300) for name in ("query", "key")}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"query": torch.full((1, 9, 4), 20.0)}, None),  # |q · k| = 800
        ({"query": torch.full((1, 9, 4), 1e4)}, "scores"),
        ({"query": torch.full((1, 9, 4), 1e4), "rule": Rule(softcap=30.0)}, None),
        ({"rule": Rule(sinks=numpy.array([-1e6]))}, "sink"),
        ({"rule": Rule(causal=True, query_offset=-(1 << 30))}, "positions"),
        ({"rule": Rule(bias=numpy.zeros((9, 9)))}, "no mask and no bias"),
        ({"rule": Rule(scale=0.0)}, "the scale"),
        ({"rule": Rule(scale=1e-46)}, "the scale"),  # float32 has no such number
        ({"rule": Rule(scale=30.0, softcap=2e-38)}, "the softcap"),  # nor scale / softcap
        ({"rule": Rule(scale=1e-29), "query": torch.full((1, 9, 4), 1e29)}, "scores"),  # q · k, until it is scaled
        ({"rule": Rule(scale=1e26), "query": torch.full((1, 9, 4), 1e-24)}, "scores"),  # squares of it are 0 in float32
        ({"shown": range(2, 9)}, "all keys"),
        (FLOAT64, "query is float64"),
        (WIDE, "300 dimensions"),
    ],
)
def test_which_inputs_the_kernels_take_and_why_not(change, reason, monkeypatch, caplog):
    monkeypatch.setattr(engine, "find_spec", lambda _: object())
    engine._log_once.cache_clear()
    caplog.set_level(logging.INFO)
    given = {"query": torch.ones(1, 9, 4), "key": torch.full((1, 9, 4), 20.0), "rule": Rule()} | change
    bound = 4 * float(given["query"].max()) * 20 * given["rule"].scale_for(4)
    for _ in range(2):
        assert engine.takes(**({"shown": range(9)} | given), bound=bound) is (reason is None)
    assert len(caplog.messages) == (reason is not None)
    assert reason is None or reason in caplog.messages[0]


def test_the_kernels_are_not_taken_on_rocm(monkeypatch):
    monkeypatch.setattr(engine, "find_spec", lambda _: object())
    query = torch.ones(1, 9, 4)
    assert engine.takes(query, query, Rule(), 2.0, range(9))
    monkeypatch.setattr(torch.version, "hip", "7.0")
    assert not engine.takes(query, query, Rule(), 2.0, range(9))


def test_a_head_beyond_the_kernels_places_is_copied_together():
    assert engine._reachable(torch.ones(1, 9, 4))
    apart = torch.empty(1, device="meta").as_strided((1, 9, 4), (1, 1 << 28, 1))
    assert not engine._reachable(apart)


class TritonError(Exception):
    """As Triton has it, which is not everywhere."""


class OutOfResources(TritonError):  # noqa: N818  (Triton's name)
    """The same."""


@pytest.fixture
def errors_of_triton(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton.errors", types.SimpleNamespace(TritonError=TritonError))
    monkeypatch.setitem(sys.modules, "triton.runtime.errors", types.SimpleNamespace(OutOfResources=OutOfResources))


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (TritonError("no such type"), engine.LaunchError),
        (RuntimeError("Failed to find C compiler."), engine.LaunchError),
        (subprocess.CalledProcessError(1, "gcc"), engine.LaunchError),
        (FileNotFoundError("ptxas"), engine.LaunchError),
        (OutOfResources("shared memory"), OutOfResources),
        (TypeError("an argument too few"), TypeError),
    ],
    ids=repr,
)
@pytest.mark.usefixtures("errors_of_triton")
def test_what_triton_cannot_launch_is_told_from_mistakes(raised, error):
    def failing(*_):
        raise raised

    with pytest.raises(error, match=re.escape(str(raised))):
        engine._launch({(1,): failing}, (1,), "an argument")


@pytest.mark.parametrize("error", [engine.LaunchError, OutOfResources, torch.OutOfMemoryError])
@pytest.mark.usefixtures("errors_of_triton")
def test_what_does_not_run_is_pooled_in_blocks_aloud(error, monkeypatch, caplog):
    def failing(*_):
        raise error("no ptxas")

    monkeypatch.setattr(engine, "run", failing)
    query = torch.randn(2, 30, 4)
    given = query, query, Rule(causal=True), (0, 1), 4, range(0, 30, 4), 1e2, no_progress
    for array, wanted in zip(engine.pool_on_gpu(*given), array_engine.pool_blocks(*given), strict=True):
        assert (array is None and wanted is None) or torch.equal(array, wanted)
    assert caplog.messages == ["attnviz: the GPU kernel does not run here, so torch pools: no ptxas"]


@pytest.mark.usefixtures("errors_of_triton")
def test_a_mistake_on_the_way_to_the_kernels_is_not_hidden(monkeypatch):
    def mistaken(*_):
        raise RuntimeError("The size of tensor a (3) must match the size of tensor b (4)")

    monkeypatch.setattr(engine, "run", mistaken)
    query = torch.randn(1, 30, 4)
    with pytest.raises(RuntimeError, match="size of tensor"):
        engine.pool_on_gpu(query, query, Rule(), (0,), 4, range(0, 30, 4), 1e2, no_progress)


@pytest.mark.usefixtures("errors_of_triton")
def test_a_launch_too_large_for_the_card_gives_way_to_a_smaller_one(monkeypatch, caplog):
    tried = []

    def launched(*given):
        launch = given[-1]
        tried.append((launch.query_block, launch.key_block, launch.stages))
        if launch.query_block * launch.key_block > 1024:
            raise OutOfResources("shared memory")
        return launch

    monkeypatch.setattr(engine, "run", launched)
    query = torch.randn(1, 4096, 64)
    engine.pool_on_gpu(query, query, Rule(), (0,), 4, range(0, 4096, 4), 1e2, no_progress)
    assert tried == [(64, 64, 2), (64, 64, 1), (32, 64, 1), (32, 32, 1)]
    assert not caplog.messages


@pytest.mark.usefixtures("errors_of_triton")
def test_some_heads_are_one_launch_that_is_reported(monkeypatch):
    heard, heads = [], []
    monkeypatch.setattr(engine, "run", lambda *given: heads.append(given[3]))
    query = torch.randn(4, 30, 4)
    engine.pool_on_gpu(query, query, Rule(), (2, 0), 4, range(0, 30, 4), 1e2, lambda *given: heard.append(given))
    assert heads == [(2, 0)]
    assert heard == [(2, 2)]


GPU_RULES = {
    **{name: rule(700) for name, rule in KERNEL_RULES.items()},
    "mask": Rule(mask=numpy.random.default_rng(5).random((700, 1000)) < 0.5),  # the torch path
}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("rule", GPU_RULES.values(), ids=GPU_RULES.keys())
@pytest.mark.parametrize(
    ("dtype", "dimension", "cells"),
    [("bfloat16", 128, 6), ("bfloat16", 64, 100), ("float16", 80, 350), ("float32", 64, 44), ("bfloat16", 256, 2)],
)
def test_the_kernels_agree_with_the_weights(rule, dtype, dimension, cells, monkeypatch, caplog):
    query, key = (
        torch.randn(heads, tokens, dimension, device="cuda").to(getattr(torch, dtype))
        for heads, tokens in ((4, 700), (2, 1000))
    )
    launched, run = [], engine.run
    monkeypatch.setattr(engine, "run", lambda *given: launched.append(given) or run(*given))
    engine._log_once.cache_clear()
    caplog.set_level(logging.INFO)
    pooled = pool_arrays(query, key, rule, cells=cells)
    assert pooled.mean.is_cuda
    assert bool(launched) == (rule.mask is None)
    assert len(caplog.messages) == (rule.mask is not None)  # it is said wherever torch pools
    on_cpu = replace(
        pooled, **{name: getattr(pooled, name).cpu() for name in ("mean", "maximum", "largest_key", *ROWS)}
    )
    if on_cpu.counted is not None:
        on_cpu = replace(on_cpu, counted=on_cpu.counted.cpu())
    agree(on_cpu, expected(query.double().cpu().numpy(), key.double().cpu().numpy(), rule, pooled), 2e-5)
