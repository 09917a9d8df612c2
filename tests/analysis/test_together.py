"""Layers that are measured together have the numbers that each has by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
import torch
from numpy.testing import assert_allclose

from attnviz import Layer, Rule, Trace
from attnviz.analysis.head_names import CHANCED
from attnviz.analysis.measure import measure_heads
from attnviz.analysis.metrics import Metric
from attnviz.analysis.together import measured_together
from attnviz.choices import MeasuredStep
from attnviz.trace.selection import select
from tests.support.contributions import with_output

TOKENS = ("a", "b", "a", "c", "b", "a", "d")
SAME = numpy.ones((7, 7), dtype=bool)
SAME[:, 2] = False


def layer(seed: int, number: int, heads: int = 4, kv_heads: int = 2, **rule) -> Layer:
    draw = numpy.random.default_rng(seed)
    query, key, value = (draw.standard_normal((count, 7, 3)) for count in (heads, kv_heads, kv_heads))
    return Layer(query, key, value, Rule(**rule), number)


TRACES = {
    "causal": [layer(number, number, causal=True) for number in range(5)],
    "every other has a window": [
        layer(number, number, causal=True, window=3 if number % 2 else None) for number in range(4)
    ],
    "one mask for all": [layer(number, number, mask=SAME) for number in range(3)],
    "a mask each": [layer(number, number, mask=SAME.copy()) for number in range(3)],
    "a bias of heads": [layer(number, number, bias=numpy.ones((4, 1, 7))) for number in range(3)],
    "sinks": [layer(number, number, sinks=numpy.ones(4)) for number in range(3)],
    "other heads": [layer(0, 0), layer(1, 1, heads=6, kv_heads=3), layer(2, 2, heads=6, kv_heads=3)],
}


def require_same(trace: Trace, selection, cells: int = 1 << 20, **options) -> list[int]:
    """How many layers were measured at once, each time."""
    told: list[tuple[int, int]] = []
    found = list(
        measured_together(trace, selection.layers, lambda *done: told.append(done), cells, chances=CHANCED, **options)
    )
    assert [one for some in found for one in some.selections] == list(selection.layers)
    for some in found:
        heads = iter(some.heads)
        for selected in some.selections:
            alone = measure_heads(
                trace,
                selected.layer,
                heads=selected.heads,
                queries=selected.query_positions,
                keys=selected.key_positions,
                chances=CHANCED,
                **options,
            )
            asked = (0,) if options.get("step") is MeasuredStep.SUMMED else selected.heads
            for theirs in asked:
                mine = next(heads)
                for one, other in zip(some.measured, alone, strict=True):
                    pairs = [(one[name], other[name]) for name in other] if isinstance(other, dict) else [(one, other)]
                    for part, whole in pairs:
                        assert_allclose(part[mine], whole[theirs], rtol=1e-12, atol=1e-12)
        assert next(heads, None) is None
    assert told[-1][0] == told[-1][1]
    return [len(some.selections) for some in found]


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.some(5)
def test_each_has_the_numbers_that_it_has_alone(name, library):
    trace = Trace(TOKENS, tuple(TRACES[name])).to(library)
    assert sum(require_same(trace, select(trace).as_region())) == len(trace.layers)


@pytest.mark.parametrize("cells", [1, 4 * 49, 9 * 49, 13 * 49])
def test_no_more_are_together_than_fit(cells):
    trace = Trace(TOKENS, tuple(TRACES["causal"]))
    found = require_same(trace, select(trace), cells)
    assert max(found) == max(1, cells // (4 * 49))


def test_some_heads_and_a_region_of_them():
    trace = Trace(TOKENS, tuple(TRACES["causal"]))
    require_same(
        trace, select(trace, head=["1,3"], query="2:6", key="0:5").as_region(), only=[Metric.ENTROPY, Metric.FIRST]
    )


def test_layers_of_weights_alone_are_each_measured_by_themselves():
    weights = numpy.full((2, 7, 7), 1 / 7)
    trace = Trace(
        TOKENS, (Layer(weights=weights), Layer(weights=weights, index=1), replace(TRACES["causal"][0], index=2))
    )
    require_same(trace, select(trace))


def test_they_are_together(monkeypatch):
    calls = []
    monkeypatch.setattr(
        "attnviz.analysis.together.measure_heads",
        lambda *given, **options: calls.append(given[1].heads) or measure_heads(*given, **options),
    )
    trace = Trace(TOKENS, tuple(TRACES["causal"]))
    require_same(trace, select(trace))
    assert calls == [20]
    query = torch.ones(2, 7, 3)
    apart = Trace(TOKENS, (Layer(query, query, query), Layer(query, query, query, Rule(scale=2.0), 1)))
    require_same(apart, select(apart))
    assert calls == [20, 2, 2]


def test_contributions_are_measured_layer_by_layer_each_with_its_own_projection():
    layers = tuple(with_output(one, seed=number) for number, one in enumerate(TRACES["causal"]))
    trace = Trace(TOKENS, layers)
    require_same(trace, select(trace), step=MeasuredStep.CONTRIBUTION)
