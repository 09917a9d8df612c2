"""What a watch keeps of a model that writes, where a cache hands out more, or less, than is new."""

from __future__ import annotations

import pytest
import torch
from tiny_models import inputs, model
from writing_models import network

from attnviz import AttnvizError
from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.huggingface.call_rules import OncePerTensor
from attnviz.sources.huggingface.stacks import LayerAddress
from attnviz.sources.huggingface.step_watch import LayerSteps, StepWatch
from attnviz.sources.huggingface.switching import watched_by


class Attention(torch.nn.Module):
    is_causal = True


MODULE = Attention()


def call(queries, keys, mask=None, **options):
    """A call of so many ``queries`` and ``keys``, each key of its own number."""
    query, key = torch.randn(1, 2, queries, 4), torch.arange(keys).float()[None, None, :, None].expand(1, 2, keys, 4)
    return AttentionCall("sdpa", MODULE, query, key, key.clone(), mask, options)


def output(queries):
    return torch.zeros(1, queries, 2, 4)


def kept(*calls, stack=""):
    steps = LayerSteps(LayerAddress("a.path", stack, 0), 0)
    for one in calls:
        steps.add(one, output(one.queries), OncePerTensor())
    return steps


def test_room_for_tokens_to_come_is_left_out():
    """A static cache of 8 keys: the first pass fills 3, the next ones one each."""
    room = torch.arange(8)[None, None, None] <= torch.tensor(3)
    bias = torch.zeros(1, 2, 1, 8)
    layer = kept(call(3, 8), call(1, 8, room, position_bias=bias)).layer(4)
    assert layer.key[0, :, 0].tolist() == [0, 1, 2, 3]
    assert layer.rule.causal
    assert layer.rule.mask is layer.rule.bias is None


def test_a_window_hands_out_its_own_keys_alone():
    """The last key handed out is the new one, wherever it stands in the text."""
    layer = kept(call(5, 5), call(1, 3), call(1, 3)).layer(7)
    assert layer.key[0, :, 0].tolist() == [0, 1, 2, 3, 4, 2, 2]
    seen = layer.steps().weights[0] > 0
    assert seen[5].tolist() == [False] * 3 + [True] * 3 + [False]
    assert seen[6].tolist() == [False] * 4 + [True] * 3


def test_some_of_the_last_queries_stand_at_their_places():
    steps = kept(call(2, 2), call(1, 3), call(1, 4))
    whole, some = steps.layer(4), steps.layer(4, last=2)
    torch.testing.assert_close(some.steps().weights, whole.steps().weights[:, 2:])
    assert steps.layer(4, last=9).query.shape == whole.query.shape


def test_the_rule_of_a_step_is_asked_again_where_its_options_change():
    steps = kept(call(1, 1, scaling=0.5))
    with pytest.raises(AttnvizError, match="its scale, softcap or sinks change from step to step"):
        steps.add(call(1, 2, scaling=0.25), output(1), OncePerTensor())


@pytest.mark.parametrize(
    ("stack", "calls", "message"),
    [
        ("", [call(2, 2), call(3, 3)], "Attention reads the whole text again in every step"),
        ("cross", [call(1, 4), call(1, 5)], "sees other keys of its text from step to step"),
        (
            "cross",
            [call(1, 2, torch.tensor([[[[True, False]]]])), call(1, 2, torch.tensor([[[[False, True]]]]))],
            "sees other keys of its text from step to step",
        ),
    ],
)
def test_what_no_one_map_can_hold_is_refused(stack, calls, message):
    with pytest.raises(AttnvizError, match=message):
        kept(*calls, stack=stack)


def test_keys_of_another_text_are_kept_once():
    mask = torch.tensor([[[[True, True, False]]]])
    layer = kept(call(1, 3, mask), call(1, 3, mask.clone()), stack="cross").layer(2)
    assert (layer.kind, layer.query.shape[1], layer.key.shape[1]) == ("cross", 2, 3)
    assert (layer.steps().weights[:, :, 2] == 0).all()


def test_a_query_that_disagrees_with_its_kernel_is_refused():
    """Of the prompt and of the written ones each is compared: the kernel's outputs here are all 0."""
    steps = kept(call(2, 2), call(1, 3))
    with pytest.raises(AttnvizError, match="layer 0: attention recomputed from its query"):
        steps.checked(3)


def test_a_layer_that_ran_too_few_positions_is_refused():
    made = network("Llama")
    watch = StepWatch(made)
    with watched_by(watch), torch.inference_mode():
        watch.begin_pass()
        made(**inputs("Llama", tokens=5))
    assert (watch.count, len(watch.layers(5))) == (5, 2)
    with pytest.raises(AttnvizError, match=r"model.layers.0.self_attn ran 5 of 6 positions"):
        watch.layers(6)


def test_what_stands_wrong_names_its_layer():
    made = network("Llama")
    watch = StepWatch(made)

    def runs():
        with watched_by(watch), torch.inference_mode():
            for tokens in (5, 6):
                watch.begin_pass()
                made(**inputs("Llama", tokens=tokens), use_cache=False)

    with pytest.raises(AttnvizError, match=r"model.layers.0.self_attn: LlamaAttention reads the whole text again"):
        runs()


def test_attention_in_several_pieces_is_forgotten():
    made = model("Llama")
    watch = StepWatch(made)
    with watched_by(watch), torch.inference_mode():
        watch.begin_pass()
        made(**inputs("Llama", tokens=5))
        watch._forget("model.layers.1.self_attn")
    assert [number for _, number in watch.steps] == [0]
