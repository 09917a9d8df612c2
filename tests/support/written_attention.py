"""Attention as people write it, recorded, and compared with what it computed itself."""

from __future__ import annotations

import numpy
import torch

import attnviz
from attnviz.trace.recorded import Kept, RecordedLayer

ITEMS, HEADS, QUERIES, KEYS, WIDTH = 2, 3, 5, 6, 4


def tensors(queries: int = QUERIES, keys: int = KEYS, heads: int = HEADS) -> tuple[torch.Tensor, ...]:
    """query, key and value, (items, heads, tokens, d)."""
    made = torch.Generator().manual_seed(0)
    sizes = (queries, WIDTH), (keys, WIDTH), (keys, WIDTH + 1)
    return tuple(torch.randn(ITEMS, heads, *size, generator=made) for size in sizes)


def recorded(attention, *given):
    """The recording of a function that attends once, what it returned, and the row of its table."""
    with attnviz.record() as recording:
        result = attention(*given)
    (layer,) = recording.layers
    return recording, result, layer


def require_own(attention, *given, layout=lambda output: output) -> tuple[attnviz.Layer, RecordedLayer]:
    """Record ``attention``; require that all of it is kept and computes, for each item, what it returned.

    ``layout`` turns what it returned into (items, heads, queries, d_v).
    """
    recording, result, layer = recorded(attention, *given)
    assert layer.kept is Kept.WHOLE, layer.notes
    assert layer.error is None or layer.error < 1e-6
    expected = layout(result)
    for item in range(layer.items):
        found = recording.trace(item=item).layers[0]
        difference = found.steps().output - expected[item]
        assert float(abs(difference).max()) < 1e-5
    return recording.trace().layers[0], layer


def require_weights_alone(attention, *given, because: str) -> None:
    """Record ``attention``; require that its softmax alone is kept, for the reason ``because``."""
    recording, _, layer = recorded(attention, *given)
    assert layer.kept is Kept.WEIGHTS
    assert layer.error is None
    assert because in layer.notes[0]
    trace = recording.trace()
    assert trace.layers[0].weights_alone
    weights = numpy.asarray(trace.layers[0].weights)
    assert numpy.allclose(weights.sum(-1), 1, atol=1e-5)
