"""What is launched on a card, and what computes where it cannot be."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy
import pytest
from kernel_rules import KERNEL_RULES
from pooling_oracle import ROWS, agree, expected
from triton_errors import OutOfResources, errors_of_triton  # noqa: F401  (a fixture)

from attnviz import Rule
from attnviz.pooling import array_engine
from attnviz.pooling.gpu import engine, inputs
from attnviz.pooling.gpu.launches import LaunchError
from attnviz.pooling.pool import pool_arrays
from attnviz.progress import no_progress

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("error", [LaunchError, OutOfResources, torch.OutOfMemoryError])
@pytest.mark.usefixtures("errors_of_triton")
def test_what_does_not_run_is_pooled_in_blocks_aloud(error, caplog):
    def failing(*_):
        raise error("no ptxas")

    query = torch.randn(2, 30, 4)
    given = query, query, Rule(causal=True), (0, 1), 4, range(0, 30, 4), 1e2, no_progress
    for array, wanted in zip(engine.pool_on_gpu(*given, failing), array_engine.pool_blocks(*given), strict=True):
        assert (array is None and wanted is None) or torch.equal(array, wanted)
    assert caplog.messages == ["attnviz: the GPU kernel does not run here, so torch pools: no ptxas"]


@pytest.mark.usefixtures("errors_of_triton")
def test_a_mistake_on_the_way_to_the_kernels_is_not_hidden():
    def mistaken(*_):
        raise RuntimeError("The size of tensor a (3) must match the size of tensor b (4)")

    query = torch.randn(1, 30, 4)
    with pytest.raises(RuntimeError, match="size of tensor"):
        engine.pool_on_gpu(query, query, Rule(), (0,), 4, range(0, 30, 4), 1e2, no_progress, mistaken)


@pytest.mark.usefixtures("errors_of_triton")
def test_a_launch_too_large_for_the_card_gives_way_to_a_smaller_one(caplog):
    tried = []

    def launched(*given):
        launch = given[-1]
        tried.append((launch.query_block, launch.key_block, launch.stages))
        if launch.query_block * launch.key_block > 1024:
            raise OutOfResources("shared memory")
        return launch

    query = torch.randn(1, 4096, 64)
    engine.pool_on_gpu(query, query, Rule(), (0,), 4, range(0, 4096, 4), 1e2, no_progress, launched)
    assert tried == [(64, 64, 2), (64, 64, 1), (32, 64, 1), (32, 32, 1)]
    assert not caplog.messages


@pytest.mark.usefixtures("errors_of_triton")
def test_some_heads_are_one_launch_that_is_reported():
    heard, heads = [], []

    def taken(*given):
        heads.append(given[3])

    query = torch.randn(4, 30, 4)
    engine.pool_on_gpu(query, query, Rule(), (2, 0), 4, range(0, 30, 4), 1e2, lambda *given: heard.append(given), taken)
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
    inputs._log_once.cache_clear()
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
