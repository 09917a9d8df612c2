"""Windows side by side as one attention: against each window by itself."""

from __future__ import annotations

import pytest
import torch

from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.huggingface.call_rules import OncePerTensor, call_rule
from attnviz.sources.huggingface.windows import in_windows, joined
from attnviz.trace.layer import Layer


def call(windows=3, mask=None, **options):
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(windows, 2, 4, 5, generator=generator) for _ in range(3))
    return AttentionCall("sdpa", torch.nn.Identity(), query, key, value, mask, {"is_causal": False, **options})


MASKS = {
    "none": None,
    "shared": torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(1)),
    "of each": torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(2)),
    "truths": torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(3)) > 0.3,
}


@pytest.mark.parametrize("name", MASKS)
def test_each_window_attends_to_itself_alone(name):
    given = call(mask=MASKS[name])
    expected = torch.nn.functional.scaled_dot_product_attention(given.query, given.key, given.value, MASKS[name])
    whole, output = joined(given, expected.transpose(1, 2))
    layer = Layer(whole.query[0], whole.key[0], whole.value[0], call_rule(whole, OncePerTensor()))
    for window in range(3):
        for head in range(2):
            steps = layer.steps(head, range(4 * window, 4 * window + 4))
            seen = ~torch.isnan(expected[window, head]).any(dim=-1)
            assert torch.allclose(steps.output[seen], expected[window, head][seen], atol=1e-5)
            outside = torch.ones(12, dtype=torch.bool)
            outside[4 * window : 4 * window + 4] = False
            assert not steps.weights[:, outside].any()
    assert output.shape == (1, 12, 2, 5)
    assert torch.equal(output[0, 4:8], expected[1].transpose(0, 1))


def test_what_cannot_be_said_of_all_of_them_is_left():
    assert in_windows(call())
    assert not in_windows(call(windows=1))
    assert not in_windows(call(is_causal=True))
    assert not in_windows(call(position_bias=torch.zeros(1)))
