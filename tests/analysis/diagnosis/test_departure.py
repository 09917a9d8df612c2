"""Where an output departs that nothing explains."""

from __future__ import annotations

import numpy
import pytest
import torch
from diagnosed import evidence_of
from planted_attention import attention, problem

from attnviz.analysis.diagnosis.departure import departure
from attnviz.analysis.diagnosis.result import Place

NOTHING = dict.fromkeys(("mask", "bias", "sinks", "softcap", "window", "rope", "cache", "scale", "items"), False)
MEANT = problem(numpy.random.default_rng(5), causal=False, groups=True, **NOTHING)
NOISE = torch.randn(attention(MEANT).shape, generator=torch.Generator().manual_seed(0))


def off(*place, by=NOISE):
    output = attention(MEANT).clone()
    output[place] += by[place] if isinstance(by, torch.Tensor) else by
    return departure(evidence_of(MEANT, output))


def test_the_first_row_and_the_heads():
    found = off(slice(None), [2, 4])
    assert (found.first, found.heads, found.items, found.finite) == (Place(0, 2, 0), (2, 4), "all", True)
    assert "heads" in found.follows
    assert found.share == pytest.approx(2 / 6)


def test_positions_and_tiles():
    found = off(slice(None), slice(None), slice(16, None))
    assert (found.first.query, found.queries) == (16, (range(16, MEANT.queries),))
    assert {"positions", "tiles-16"} <= set(found.follows)


def test_a_number_that_is_not_finite():
    found = off(0, 1, 3, by=float("nan"))
    assert (found.finite, found.first) == (False, Place(0, 1, 3))


def test_errors_that_grow_with_the_scores_go_with_magnitude():
    evidence = evidence_of(MEANT, attention(MEANT))
    size = abs(evidence.judged.found.logits).max(-1, keepdims=True)
    more = attention(MEANT) + torch.from_numpy(1e-3 * size**4).float()
    assert "magnitude" in departure(evidence_of(MEANT, more)).follows


def test_the_first_block_of_keys_whose_weights_depart():
    few = problem(numpy.random.default_rng(8), causal=False, groups=True, same=True, **NOTHING)
    while few.keys > few.width:
        few.key, few.value = few.key[:, :, : few.width], few.value[:, :, : few.width]
    value = few.value.clone()
    value[:, :, -1] = 0
    found = departure(evidence_of(few, attention(few, value=value)))
    assert found.keys is not None
    assert found.keys.stop == few.keys
