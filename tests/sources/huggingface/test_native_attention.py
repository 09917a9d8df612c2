"""The attention that a model computes when nobody watches is what it computes when somebody does."""

from __future__ import annotations

import pytest
import torch
from tiny_models import inputs, model
from watched_models import forward

from attnviz.sources.huggingface.watch import watching


def test_watching_changes_no_logit(traced):
    _, network, given, _ = traced
    untouched = forward(network, given)[0]
    with watching(network):
        watched = forward(network, given)[0]
    assert torch.equal(watched, untouched)


@pytest.mark.parametrize("name", ["Mistral", "Gemma2", "GptOss"])
def test_plain_code_on_some_queries_at_a_time_changes_nothing(name):
    network, given = model(name), inputs(name, tokens=40)
    untouched = forward(network, given)[0]
    with watching(network, cells=4 * 40 * 7):
        torch.testing.assert_close(forward(network, given)[0], untouched, atol=2e-4, rtol=1e-4)
