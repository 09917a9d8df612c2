"""Dropout is told from what is left of weights and outputs."""

from __future__ import annotations

import numpy
import pytest
import torch
import torch.nn.functional as functional
from diagnosed import evidence_of
from planted_attention import MINUS, attention, hiding, logits, out, problem

from attnviz.analysis.diagnosis.noise import drawn, dropout

NOTHING = dict.fromkeys(("mask", "bias", "sinks", "softcap", "window", "rope", "cache", "scale"), False)
MEANT = problem(numpy.random.default_rng(6), causal=True, groups=True, **NOTHING)


def weights():
    return logits(MEANT, MEANT.query, MEANT.key).masked_fill(~hiding(MEANT), MINUS).softmax(-1)


def test_dropout_of_weights_is_found_with_its_share():
    torch.manual_seed(0)
    found = dropout(evidence_of(MEANT, out(MEANT, functional.dropout(weights(), 0.25))))
    assert found is not None
    assert found.named[0].name == "dropout"
    assert found.named[0].value == pytest.approx(0.25, abs=1e-3)


def test_dropout_of_the_output_too():
    torch.manual_seed(0)
    found = dropout(evidence_of(MEANT, functional.dropout(attention(MEANT), 0.1)))
    assert found is not None
    assert found.named[0].value == pytest.approx(0.1, abs=1e-3)


@pytest.mark.parametrize("times", [1.0, 1.3])
def test_noise_of_another_kind_is_none(times):
    noise = 1 + 0.3 * torch.randn(weights().shape, generator=torch.Generator().manual_seed(0))
    assert dropout(evidence_of(MEANT, out(MEANT, weights() * noise * times))) is None


@pytest.mark.parametrize(("factor", "share"), [(1.0, 0.25), (4 / 3, 0.25), (3.0, None), (0.8, None)])
def test_what_is_kept_is_as_it_was_or_larger_by_what_was_taken(factor, share):
    some = numpy.full((20, 5), factor)
    some.ravel()[::4] = 0
    found = drawn(some, numpy.ones_like(some), numpy.full_like(some, 1e-6))
    assert (found and found.share) == (share and pytest.approx(share))


def test_rows_that_are_0_as_a_whole_are_none():
    output = attention(MEANT).clone()
    output[torch.rand(output.shape[:3], generator=torch.Generator().manual_seed(0)) < 0.2] = 0
    assert dropout(evidence_of(MEANT, output)) is None


def test_garbage_that_tells_no_weights_is_none():
    wide = problem(numpy.random.default_rng(6), causal=False, groups=True, **NOTHING)
    wide.key, wide.value = (torch.cat([one] * 3, dim=2) for one in (wide.key, wide.value))
    assert dropout(evidence_of(wide, torch.randn(attention(wide).shape))) is None
