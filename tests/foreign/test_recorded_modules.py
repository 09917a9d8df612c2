"""Modules of other libraries, recorded: what is kept is what they compute, and what has no name is said to have none."""

from __future__ import annotations

import re

import pytest
import torch
from foreign_modules import FOREIGN, esm

import attnviz
from attnviz.trace.recorded import Kept

# Other libraries warn of many things at their import, and none of it is about attention.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
TOLERANCE = 1e-5  # what the issue of recordings asks for


def randomised(module: torch.nn.Module) -> torch.nn.Module:
    """``module`` with all parameters drawn: biases that begin as 0 would be none."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.is_floating_point():
                parameter.add_(0.05 * torch.randn_like(parameter))
    return module.eval()


def tensors(result):
    if isinstance(result, dict):
        result = list(result.values())
    return [result] if isinstance(result, torch.Tensor) else [one for part in result for one in tensors(part)]


@pytest.mark.parametrize("name", FOREIGN)
def test_it_is_recorded_or_refused_in_words(name):
    foreign = FOREIGN[name]
    module = randomised(foreign.build())
    with torch.no_grad():
        before = tensors(module(*foreign.given))
        with attnviz.record(module) as recording:
            after = tensors(module(*foreign.given))
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert len(recording.layers) > 0
    assert [note for note in recording.layers.notes if "could not be followed" in note] == []
    whole = [layer for layer in recording.layers if layer.kept is Kept.WHOLE]
    others = [layer for layer in recording.layers if layer.kept is not Kept.WHOLE]
    assert all(layer.error <= TOLERANCE for layer in whole)
    assert all(re.search(foreign.alone, layer.notes[0]) for layer in others), [layer.notes for layer in others]
    assert bool(others) == bool(foreign.alone)


def test_a_model_that_returns_its_weights_has_those_of_its_recording():
    module = randomised(esm())
    tokens = FOREIGN["fair-esm"].given[0]
    with torch.no_grad(), attnviz.record(module) as recording:
        theirs = module(tokens, repr_layers=[], need_head_weights=True)["attentions"]  # (items, layers, heads, …)
    for item in range(len(tokens)):
        for number, layer in enumerate(recording.trace(item=item).layers):
            assert torch.allclose(layer.steps().weights, theirs[item, number], atol=TOLERANCE)
