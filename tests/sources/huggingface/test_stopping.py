"""A pass ends behind the last layer that is asked for, and what is kept is what a whole pass would have left."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch
import transformers
from tiny_models import CONFIGS, inputs, model
from watched_models import NAMES, made

from attnviz import AttnvizError, trace_model
from attnviz.sources.given import Given
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.stacks import known_layers
from attnviz.sources.huggingface.stopping import layers_before_end, may_end_behind
from attnviz.sources.huggingface.trace_model import trace
from attnviz.sources.huggingface.trace_texts import Batches


@contextmanager
def layers_run(network):
    """The paths of the layers that run inside the block, those that stand in the model's lists."""
    ran, hooks = [], []
    for path, module in network.named_modules():
        if isinstance(module, torch.nn.ModuleList):
            for number, one in enumerate(module):
                hooks.append(one.register_forward_pre_hook(lambda *_, at=f"{path}.{number}": ran.append(at)))
    try:
        yield ran
    finally:
        for hook in hooks:
            hook.remove()


def llama(layers: int = 6):
    config = transformers.LlamaConfig(**CONFIGS["Llama"] | {"num_hidden_layers": layers})
    return made(config, transformers.AutoModelForCausalLM)


def test_no_layer_behind_the_last_one_runs():
    network = llama()
    for asked, count in (("0-1", 2), ("3", 4), ("0,2", 3), ("5", 6), ("all", 6)):
        with layers_run(network) as ran:
            kept = trace_model(network, inputs("Llama"), layer=asked)
        assert ran == [f"model.layers.{number}" for number in range(count)]
        assert kept.layers[-1].index == count - 1
        assert "output" in kept.layers[-1].projections  # W_O comes behind the attention


@contextmanager
def modules_run(network):
    """The paths of the modules that run to their end inside the block."""
    ran: list[str] = []
    hooks = [
        module.register_forward_hook(lambda *_, at=path: ran.append(at)) for path, module in network.named_modules()
    ]
    try:
        yield ran
    finally:
        for hook in hooks:
            hook.remove()


def test_neither_the_last_mlp_nor_the_language_head_runs():
    network = llama(2)
    with modules_run(network) as ran:
        kept = trace_model(network, inputs("Llama"))
    assert "model.layers.1.self_attn.o_proj" in ran
    assert "model.layers.0.mlp" in ran
    assert not {"model.layers.1.mlp", "model.norm", "lm_head"} & set(ran)
    assert all("output" in layer.projections for layer in kept.layers)


def test_an_output_that_is_projected_behind_its_attention_is_waited_for():
    network = model("Bert")  # whose W_O is in a module beside the one that attends
    with modules_run(network) as ran:
        kept = trace_model(network, inputs("Bert"))
    last = f"bert.encoder.layer.{len(kept.layers) - 1}"
    assert f"{last}.attention.output.dense" in ran
    assert f"{last}.intermediate" not in ran
    assert all("output" in layer.projections for layer in kept.layers)


def test_where_no_output_projection_is_found_the_layer_runs_to_its_end():
    network = llama(2)
    for layer in network.model.layers:
        layer.self_attn.o_proj = Doubled(layer.self_attn.o_proj)
    with modules_run(network) as ran:
        kept = trace_model(network, inputs("Llama"))
    assert "model.layers.1.mlp" in ran
    assert "model.norm" not in ran
    assert not any("output" in layer.projections for layer in kept.layers)


class Doubled(torch.nn.Module):
    """A map that is no W_O: what goes on is twice what its linear map gives, and both are read."""

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        self.one, self.other = linear, linear

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return self.one(given) + self.other(given)


@pytest.mark.parametrize("name", NAMES)
def test_the_first_layer_of_each_family_is_what_a_whole_pass_leaves(name):
    network, given = model(name), inputs(name)
    whole = {layer.title: layer for layer in trace_model(network, given).layers}
    for layer in trace_model(network, given, layer="0").layers:
        same = whole[layer.title]
        for mine, theirs in zip((layer.query, layer.key, layer.value), (same.query, same.key, same.value), strict=True):
            torch.testing.assert_close(mine, theirs)
        assert layer.projections.keys() == same.projections.keys()
        assert layer.rule.causal == same.rule.causal


@pytest.mark.parametrize(
    ("asked", "left_out"),
    [
        ("encoder 0", ("encoder.block.1", "decoder.block.0")),
        ("decoder 1", ("decoder.block.2",)),
        ("cross 0", ("decoder.block.1",)),
    ],
)
def test_of_two_stacks_what_comes_behind_is_left_out(asked, left_out):
    network = model("T5")
    with layers_run(network) as ran:
        kept = trace_model(network, inputs("T5"), layer=asked)
    assert [layer.title for layer in kept.layers] == [asked]
    assert not set(left_out) & set(ran)


def test_several_texts_at_once_end_there_too():
    network = llama()
    texts = [{"input_ids": torch.arange(4, 4 + length)[None]} for length in (5, 5, 7)]
    with layers_run(network) as ran:
        answers = [answer for _, answer in Batches(Model.of(network), layer=["0-1"])(map(Given, texts))]
    assert [len(answer.layers) for answer in answers] == [2, 2, 2]
    assert set(ran) == {"model.layers.0", "model.layers.1"}
    alone = trace_model(network, texts[2], layer="1").layers[0]
    torch.testing.assert_close(answers[2].layers[1].key, alone.key, atol=1e-5, rtol=1e-5)


def test_predictions_need_the_whole_pass():
    network = llama()
    with layers_run(network) as ran:
        kept = trace_model(network, torch.arange(5)[None], layer="0", predictions=2)
    assert len(ran) == 6
    assert len(kept.predictions) == 5


def test_the_model_runs_to_its_end_again_afterwards():
    network = llama()
    before = network(**inputs("Llama")).logits
    trace_model(network, inputs("Llama"), layer="0")
    torch.testing.assert_close(network(**inputs("Llama")).logits, before)
    assert not any(module._forward_hooks for module in network.modules())


def test_a_layer_that_does_not_exist_is_told_before_the_model_runs():
    network = llama()
    with layers_run(network) as ran, pytest.raises(AttnvizError, match="layer 9 does not exist"):
        trace_model(network, inputs("Llama"), layer="0,9")
    assert ran == []


def test_where_nobody_knows_the_layers_or_weights_lie_elsewhere_it_runs_to_its_end():
    network = llama()
    known = known_layers(network)
    assert may_end_behind(network, known, (0, 1)) == {("", 0), ("", 1)}
    assert may_end_behind(network, None, ()) == frozenset()
    assert may_end_behind(network, known, (0, 5)) == {("", 0), ("", 5)}
    network.hf_device_map = {"model": 0, "lm_head": "disk"}
    assert may_end_behind(network, known, (0, 1)) == frozenset()


def test_how_many_layers_run_is_known_of_one_stack():
    assert layers_before_end(frozenset({("", 0), ("", 3)})) == 4
    assert layers_before_end(frozenset()) is None
    assert layers_before_end(frozenset({("cross", 1)})) is None


def test_the_layers_are_counted_up_to_the_last():
    told = []
    trace(Model.of(llama()), inputs("Llama"), layer=["1"], progress=lambda *now: told.append(now))
    assert told == [(1, 2), (2, 2)]
