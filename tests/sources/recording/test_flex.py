"""flex_attention: what its functions do to a score, and which places they show."""

from __future__ import annotations

import pytest
import torch
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from written_attention import recorded, require_own, tensors

import attnviz
from attnviz.sources.recording.flex import flex_in_sight
from attnviz.trace.recorded import How, Kept

QUERY, KEY, VALUE = (one[..., :4] for one in tensors(8, 8, heads=4))
SLOPES = torch.tensor([0.5, 0.25, 0.125, 0.0625])
pytestmark = pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")


def causal(_item, _head, query, key):
    return query >= key


def mask(function):
    return create_block_mask(function, None, None, 8, 8, device="cpu", BLOCK_SIZE=8)


def test_a_mask_is_a_rule():
    layer, facts = require_own(lambda: flex_attention(QUERY, KEY, VALUE, block_mask=mask(causal)))
    assert facts.how is How.FLEX
    assert layer.rule.causal
    assert layer.rule.mask is None


def test_a_score_mod_is_a_bias_beside_the_mask():
    def alibi(score, _item, head, query, key):
        return score - SLOPES[head] * (query - key)

    layer, _ = require_own(lambda: flex_attention(QUERY, KEY, VALUE, score_mod=alibi, block_mask=mask(causal)))
    assert layer.rule.causal
    assert float(layer.rule.bias[1, 3, 1]) == -0.5


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        (lambda score: 5 * torch.tanh(score / 5), "softcap", 5.0),
        (lambda score: score * 3, "scale", 1.5),
    ],
)
def test_a_score_mod_is_a_cap_or_a_factor(change, name, value):
    layer, _ = require_own(
        lambda: flex_attention(QUERY, KEY, VALUE, score_mod=lambda score, *_: change(score)),
    )
    assert getattr(layer.rule, name) == pytest.approx(value, rel=1e-6)


def test_a_score_mod_that_hides_is_a_mask():
    def near(score, _item, _head, query, key):
        return torch.where((query - key).abs() < 2, score, -torch.inf)

    layer, _ = require_own(lambda: flex_attention(QUERY, KEY, VALUE, score_mod=near))
    assert (layer.rule.window, layer.rule.causal) == (2, False)


def test_grouped_heads_and_items_with_masks_of_their_own():
    lengths = torch.tensor([5, 8])
    own = create_block_mask(
        lambda item, _head, _query, key: key < lengths[item], 2, None, 8, 8, device="cpu", BLOCK_SIZE=8
    )
    layer, _ = require_own(lambda: flex_attention(QUERY, KEY[:, :2], VALUE[:, :2], block_mask=own, enable_gqa=True))
    assert layer.key.shape[0] == 2
    assert layer.rule.mask.tolist() == [[True] * 5 + [False] * 3]


@pytest.mark.parametrize(
    "change", [lambda score: score * score, lambda score: score.relu(), lambda score: score + score.sign()]
)
def test_a_score_mod_without_a_name_is_refused(change):
    def score_mod(score, *_):
        return change(score)

    _, _, layer = recorded(lambda: flex_attention(QUERY, KEY, VALUE, score_mod=score_mod))
    assert layer.kept is Kept.NOTHING
    assert "neither a bias, a factor nor a softcap" in layer.notes[0]


def test_what_hides_all_leaves_nothing_to_compare():
    recording, _, _ = recorded(lambda: flex_attention(QUERY, KEY, VALUE, score_mod=lambda score, *_: score - torch.inf))
    assert recording.trace().layers[0].steps().blind.all()


def test_gradients_need_the_compiler_and_it_is_said():
    import torch.nn.attention.flex_attention as module

    query, key, value = torch.ones(1, requires_grad=True), torch.ones(1), torch.ones(1)
    lost = []
    with flex_in_sight(lambda: lost.append(True)):
        assert (query + key + value).requires_grad
        assert not module._FLEX_ATTENTION_DISABLE_COMPILE_DEBUG
        with torch.no_grad():
            assert module._FLEX_ATTENTION_DISABLE_COMPILE_DEBUG
    assert lost == [True]
    assert module._FLEX_ATTENTION_DISABLE_COMPILE_DEBUG is False
    recording = attnviz.record()
    recording._lost_flex()
    assert "where gradients are asked for" in repr(recording.layers)
