"""Recording modules of torch, and attention written by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

import attnviz
from attnviz import AttnvizError
from attnviz.trace.recorded import How, Kept


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.randn(2, 5, 16)


class Handwritten(nn.Module):
    """nanoGPT's attention as it stands in its repository, without flash."""

    def __init__(self) -> None:
        super().__init__()
        self.c_attn, self.c_proj, self.n_head = nn.Linear(16, 48), nn.Linear(16, 16), 4
        self.register_buffer("mask", torch.tril(torch.ones(8, 8)).view(1, 1, 8, 8))

    def forward(self, x):
        batch, tokens, width = x.shape
        query, key, value = (
            one.view(batch, tokens, self.n_head, -1).transpose(1, 2) for one in self.c_attn(x).split(width, 2)
        )
        scores = (query @ key.transpose(-2, -1)) * (1.0 / math.sqrt(key.size(-1)))
        scores = scores.masked_fill(self.mask[:, :, :tokens, :tokens] == 0, float("-inf"))
        weights = functional.dropout(functional.softmax(scores, dim=-1), 0.1, self.training)
        return self.c_proj((weights @ value).transpose(1, 2).reshape(batch, tokens, width))


def test_attention_written_by_hand_becomes_a_trace_whose_weights_are_its_own(x):
    module = Handwritten().eval()
    before = module(x)
    with attnviz.record(module) as recording:
        after = module(x)
    assert torch.equal(before, after)
    (layer,) = recording.layers
    assert (layer.how, layer.kept, layer.items, layer.heads, layer.queries) == (How.BY_HAND, Kept.WHOLE, 2, 4, 5)
    assert layer.error < 1e-6
    trace = recording.trace(list("abcde"), item=1)
    assert trace.tokens == tuple("abcde")
    assert trace.layers[0].rule.causal
    query, key, value = (one.view(2, 5, 4, 4).transpose(1, 2) for one in module.c_attn(x).split(16, 2))
    theirs = functional.scaled_dot_product_attention(query, key, value, is_causal=True)[1]
    assert torch.allclose(trace.layers[0].steps().output, theirs, atol=1e-6)


@pytest.mark.parametrize("need_weights", [True, False])
def test_multihead_attention_gives_the_weights_that_it_returns(x, need_weights):
    module = nn.MultiheadAttention(16, 4, batch_first=True)
    hidden = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    _, theirs = module(x, x, x, key_padding_mask=hidden, average_attn_weights=False)
    with attnviz.record(module) as recording:
        module(x, x, x, key_padding_mask=hidden, need_weights=need_weights, average_attn_weights=False)
    (layer,) = recording.layers
    assert layer.kept is Kept.WHOLE
    assert layer.error < 1e-6
    for item in range(2):
        assert torch.allclose(recording.trace(item=item).layers[0].steps().weights, theirs[item], atol=1e-6)


class TalkingHeads(nn.Module):
    """Shazeer et al. 2020 (2003.02436): the scores of all heads are mixed before the softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Parameter(torch.randn(4, 4))

    def forward(self, x):
        heads = x.view(2, 5, 4, 4).transpose(1, 2)
        scores = torch.einsum("bhqk,hg->bgqk", heads @ heads.mT, self.mix)
        return scores.softmax(-1) @ heads


def test_talking_heads_are_kept_as_weights_alone_and_said_so(x):
    with attnviz.record() as recording:
        TalkingHeads()(x)
    (layer,) = recording.layers
    assert (layer.kept, layer.error) == (Kept.WEIGHTS, None)
    assert "mixed with each other before the softmax" in repr(recording.layers)


def test_what_runs_no_attention_says_so():
    with attnviz.record(nn.Linear(3, 3)) as recording:
        pass
    with pytest.raises(AttnvizError, match="no attention was seen"):
        recording.trace()
    assert repr(recording.layers) == "No attention was seen in this recording."


def attend(given):
    return (given @ given.mT).softmax(-1) @ given


def test_filters_by_number_and_by_module_keep_the_numbers(x):
    module = nn.Sequential(Handwritten(), nn.Sequential(Handwritten(), Handwritten())).eval()
    with attnviz.record(module, layers="0,2") as some, attnviz.record(module, modules="1") as inner:
        module(x)
    assert [layer.kept for layer in some.layers] == [Kept.WHOLE, Kept.NOTHING, Kept.WHOLE]
    assert [layer.kept for layer in inner.layers] == [Kept.NOTHING, Kept.WHOLE, Kept.WHOLE]
    assert [layer.index for layer in some.trace().layers] == [0, 2]
    assert [layer.name for layer in inner.trace(layers="1").layers] == ["1.0"]
    with pytest.raises(AttnvizError, match="layer 1 is not kept: not asked for"):
        some.trace(layers=1)
    with pytest.raises(AttnvizError, match="layer 3 does not exist"):
        some.trace(layers=3)
    with pytest.raises(AttnvizError, match="layers is 'x': expected numbers and ranges"):
        some.trace(layers="x")
    with attnviz.record(module, layers="5") as nothing:
        module(x)
    with pytest.raises(AttnvizError, match="no layer of this recording is kept: not asked for"):
        nothing.trace()


def test_recordings_in_each_other_hold_the_same_and_nothing_of_each_others_work(x):
    with attnviz.record() as outer:
        attend(x)
        with attnviz.record() as inner:
            attend(x)
        attend(x)
    assert (len(outer.layers), len(inner.layers)) == (3, 1)
    assert {layer.error for layer in outer.layers} == {inner.layers[0].error}


def test_another_thread_is_not_recorded(x):
    import threading

    with attnviz.record() as recording:
        other = threading.Thread(target=lambda: attend(x))
        other.start()
        other.join()
        attend(x)
    assert len(recording.layers) == 1


def test_an_exception_inside_leaves_nothing_behind(x):
    module = Handwritten().eval()
    recording = attnviz.record(module)

    def fail():
        with recording:
            module(x)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert recording.layers[0].kept is Kept.WHOLE
    with attnviz.record() as other:
        pass
    module(x)
    assert (len(recording.layers), len(other.layers)) == (1, 0)
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks


def test_a_module_that_fails_inside_and_is_caught_leaves_the_path_right(x):
    class Failing(nn.Module):
        def forward(self, given):
            raise ValueError(given.shape)

    class Catching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.failing = Failing()

        def forward(self, given):
            with pytest.raises(ValueError, match="Size"):
                self.failing(given)
            return attend(given)

    module = Catching()
    with attnviz.record(module) as recording:
        module(x)
    assert [layer.path for layer in recording.layers] == [""]


def test_gradients_are_the_same_with_a_recording(x):
    module = Handwritten()
    module.train(False)
    given = x.clone().requires_grad_()
    module(given).square().sum().backward()
    theirs, given.grad = given.grad, None
    with attnviz.record(module) as recording:
        module(given).square().sum().backward()
    assert torch.equal(theirs, given.grad)
    assert len(recording.layers) == 1
    assert not recording.trace().layers[0].query.requires_grad


@pytest.mark.parametrize("surroundings", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_what_is_kept_can_be_used_outside(x, surroundings):
    module = Handwritten().eval()
    with surroundings(), attnviz.record(module) as recording:
        module(x)
    query = recording.trace().layers[0].query
    assert not query.is_inference()
    assert (query * torch.ones(1, requires_grad=True)).sum().requires_grad


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_and_half_precision(x, dtype):
    module = Handwritten().eval()
    with torch.autocast("cpu", dtype=dtype), attnviz.record(module) as cast:
        module(x)
    with attnviz.record(module) as half:
        module.to(dtype)(x.to(dtype))
    for recording in (cast, half):
        assert recording.layers[0].kept is Kept.WHOLE, recording.layers[0].notes
        assert recording.layers[0].error < 0.02


def test_training_with_dropout_is_recorded_before_it(x):
    module = Handwritten().train()
    with attnviz.record(module) as recording:
        module(x)
    assert "dropout was on" in recording.layers[0].notes[0]


def test_weights_alone_make_a_trace(x):
    with attnviz.record() as recording:
        result = TalkingHeads()(x)
    trace = recording.trace("a b c d e", item=1)
    assert trace.layers[0].weights_alone
    assert trace.tokens == tuple("abcde")
    values = x.view(2, 5, 4, 4).transpose(1, 2)[1]
    assert torch.allclose(trace.layers[0].weights @ values, result[1], atol=1e-6)


def test_tokens_of_queries_and_keys(x):
    with attnviz.record() as recording:
        (x[:, :2] @ x.mT).softmax(-1) @ x
    short, long = (recording.trace(tokens) for tokens in (["a", "b"], list("vwxyz")))
    assert (short.tokens, short.layers[0].key_tokens) == (("a", "b"), ("0", "1", "2", "3", "4"))
    assert (long.tokens, long.layers[0].key_tokens) == (("0", "1"), tuple("vwxyz"))
    assert recording.trace().tokens == ("0", "1")
    with pytest.raises(AttnvizError, match="3 tokens, but the layers have 2 queries and 5 keys"):
        recording.trace(["a", "b", "c"])


def test_items_that_do_not_exist_are_told(x):
    with attnviz.record() as recording:
        attend(x)
    with pytest.raises(AttnvizError, match="item 2 does not exist: layer 0 has items 0 to 1"):
        recording.trace(item=2)


def test_a_trace_says_where_it_comes_from_and_is_saved_and_shown(x, tmp_path):
    module = Handwritten().eval()
    with attnviz.record(module) as recording:
        module(x)
    trace = recording.trace(list("abcde"))
    trace.save(tmp_path / "recorded.safetensors")
    again = attnviz.load(tmp_path / "recorded.safetensors")
    assert again.source.exactness.startswith("Handwritten, recomputed ")
    assert again.source.agreement.errors == {"layer 0": recording.layers[0].error}
    assert again.layers[0].rule.causal
    assert " · recomputed " in str(again.explain(head=0))
    assert "<table" in recording._repr_html_()
    assert repr(recording) == repr(recording.layers)


def test_a_recording_runs_once_at_a_time(x):
    recording = attnviz.record()
    with recording:
        attend(x)
        with pytest.raises(AttnvizError, match="runs already"), recording:
            pass
    with recording:
        attend(x)
    assert [layer.number for layer in recording.layers] == [0, 1]


def test_what_goes_wrong_while_it_is_followed_reaches_the_table_and_not_the_module(x, monkeypatch):
    from attnviz.sources.recording import captured, following

    def failing(*_):
        raise RuntimeError("planted\n fault")

    with monkeypatch.context() as planted, attnviz.record() as recording:
        planted.setattr(captured.Captured, "error", failing)
        attend(x)
    assert "it could not be followed: planted fault" in recording.layers[0].notes[0]
    with monkeypatch.context() as planted, attnviz.record() as recording:
        planted.setattr(following, "contraction", failing)
        attend(x)
    assert "matmul could not be followed: planted fault" in repr(recording.layers)


def test_a_rule_that_is_not_what_ran_is_never_kept(x, monkeypatch):
    from attnviz.sources.recording import captured

    right = captured.Captured.rule
    monkeypatch.setattr(
        captured.Captured, "rule", lambda self, item: attnviz.Rule(scale=1.1 * (right(self, item).scale or 0.25))
    )
    heads = x.view(2, 5, 4, 4).transpose(1, 2)
    with attnviz.record() as recording:
        attend(x)
        functional.scaled_dot_product_attention(heads, heads, heads)
    by_hand, fused = recording.layers
    assert (by_hand.kept, fused.kept) == (Kept.WEIGHTS, Kept.NOTHING)
    assert "weights recomputed" in by_hand.notes[0]
    assert "attention recomputed" in fused.notes[0]
