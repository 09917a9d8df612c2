"""Which inputs the kernels take, and why they do not take the others."""

from __future__ import annotations

import logging

import numpy
import pytest

from attnviz import Rule
from attnviz.pooling.gpu import inputs

torch = pytest.importorskip("torch")


def installed(_: str) -> object:
    """What find_spec says of a module that is there."""
    return object()


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
def test_which_inputs_the_kernels_take_and_why_not(change, reason, caplog):
    inputs._log_once.cache_clear()
    caplog.set_level(logging.INFO)
    given = {"query": torch.ones(1, 9, 4), "key": torch.full((1, 9, 4), 20.0), "rule": Rule()} | change
    bound = 4 * float(given["query"].max()) * 20 * given["rule"].scale_for(4)
    for _ in range(2):
        assert inputs.takes(**({"shown": range(9), "find": installed} | given), bound=bound) is (reason is None)
    assert len(caplog.messages) == (reason is not None)
    assert reason is None or reason in caplog.messages[0]


def test_the_kernels_are_not_taken_without_triton(caplog):
    inputs._log_once.cache_clear()
    caplog.set_level(logging.INFO)
    query = torch.ones(1, 9, 4)
    assert not inputs.takes(query, query, Rule(), 2.0, range(9), lambda _: None)
    assert "Triton is not installed" in caplog.messages[0]


def test_the_kernels_are_not_taken_on_rocm(monkeypatch):
    query = torch.ones(1, 9, 4)
    assert inputs.takes(query, query, Rule(), 2.0, range(9), installed)
    monkeypatch.setattr(torch.version, "hip", "7.0")
    assert not inputs.takes(query, query, Rule(), 2.0, range(9), installed)


def test_a_head_beyond_the_kernels_places_is_copied_together():
    assert inputs.reachable(torch.ones(1, 9, 4))
    apart = torch.empty(1, device="meta").as_strided((1, 9, 4), (1, 1 << 28, 1))
    assert not inputs.reachable(apart)
