"""W_O of a model: concat · W_O + b is what the model's own module gave, by the names that its family gives that module."""

from __future__ import annotations

import copy
from contextlib import contextmanager

import numpy
import pytest
import torch
from tiny_models import inputs, model
from torch.testing._internal.two_tensor import TwoTensor
from transformers.pytorch_utils import Conv1D
from watched_models import forward

from attnviz import generate, trace_model
from attnviz.analysis.contribution import contribution_norms
from attnviz.sources.huggingface import linear_maps
from attnviz.sources.recording.output_projection import OutputProjections
from attnviz.trace.contribution import HeadContribution
from attnviz.trace.summed import summed_contributions
from tests.support.contributions import norms, summed_norms

OWN_NAMES = {
    "GPT2": ["attn.c_proj"],
    "Bert": ["attention.output.dense"],
    "Splinter": ["attention.output.dense"],
    "ViT": ["attention.output.dense", "attention.o_proj"],
    "ModernBert": ["attn.Wo"],
    "Albert": ["attention.dense"],
    "T5": ["SelfAttention.o", "EncDecAttention.o"],
    "Bart": ["attn.out_proj"],
    "NllbMoe": ["attn.out_proj", "cross_attention.out_proj"],
}


@contextmanager
def what_they_give(network, ends):
    """What the modules whose paths end so give inside the block, in the order in which they run."""
    made = []
    modules = [module for path, module in network.named_modules() if path.endswith(tuple(ends))]
    hooks = [module.register_forward_hook(lambda _, __, output: made.append(output[0])) for module in modules]
    yield made
    for hook in hooks:
        hook.remove()


def rows(layer):
    """Σ over keys and heads of the contributions α v W_O^h, + b; (queries, d_out)."""
    weights, bias = layer.steps().weights, layer.projections["output"].bias
    parts = [weights[head] @ HeadContribution(layer, head).carried() for head in range(layer.heads)]
    return sum(parts) + (0 if bias is None else bias)


def test_the_heads_add_up_to_what_the_module_gives(traced):
    name, network, given, trace = traced
    with what_they_give(network, OWN_NAMES.get(name, ["self_attn.o_proj"])) as made:
        forward(network, given)
    assert len(made) == len(trace.layers)
    unmatched = list(made)
    for layer in trace.layers:
        expected = next(
            output for output in unmatched if output.shape == rows(layer).shape and _near(rows(layer), output)
        )
        unmatched = [output for output in unmatched if output is not expected]
        assert _near(layer.projected(layer.concat(layer.steps().output)), expected)
    assert trace.source.unprojected == ()


@pytest.mark.some(5)
def test_each_contribution_is_as_long_as_the_paper_says(traced):
    """‖α_ij f(x_j)‖ of Kobayashi et al. 2020, of every head of every layer, pair by pair."""
    for layer in traced[-1].layers:
        expected = norms(layer)
        for head in range(layer.heads):
            found = contribution_norms(layer, head).numpy()
            numpy.testing.assert_allclose(found, expected[head], rtol=1e-6, atol=1e-6 * expected[head].max())


def _near(ours, theirs) -> bool:
    return float((ours - theirs).abs().max()) <= 1e-5 * float(theirs.abs().max())


def test_all_heads_together_bring_what_their_vectors_do_added_up(traced):
    """In double precision, in which the products of the heads and the vectors themselves are told apart by 1e-12."""
    *_, trace = traced
    for layer in trace.to("numpy", dtype="float64").layers:
        expected = summed_norms(layer)
        numpy.testing.assert_allclose(summed_contributions(layer), expected, atol=1e-12 * expected.max())


def test_the_weights_are_the_models_own(traced):
    _, network, _, trace = traced
    own = {parameter.data_ptr() for parameter in network.parameters()}
    for layer in trace.layers:
        assert layer.projections["output"].weight.data_ptr() in own
        assert not layer.projections["output"].weight.is_inference()


def test_every_hook_is_gone(traced):
    _, network, _, _ = traced
    assert not any(
        module._forward_hooks for module in network.modules() if isinstance(module, torch.nn.Linear | Conv1D)
    )


class Gated(torch.nn.Linear):
    """A linear map that is not one: it gates what it is given."""

    def forward(self, given):
        return super().forward(given) * torch.sigmoid(given.mean(-1, keepdim=True))


class Normed(torch.nn.Module):
    """BitNet's and others': the outputs are normalised before W_O."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, given):
        return self.inner(torch.nn.functional.rms_norm(given, given.shape[-1:]))


class Adapted(torch.nn.Module):
    """LoRA: a second linear map beside the first."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.down, self.up = inner, torch.nn.Linear(32, 2, bias=False), torch.nn.Linear(2, 32, bias=False)

    def forward(self, given):
        return self.inner(given) + self.up(self.down(given))


def gated(inner):
    made = Gated(inner.in_features, inner.out_features, bias=False)
    made.load_state_dict(inner.state_dict())
    return made


@pytest.mark.parametrize("kind", [gated, Normed, Adapted])
def test_a_layer_without_one_plain_map_says_so(kind):
    network = copy.deepcopy(model("Llama"))
    attention = network.model.layers[1].self_attn
    attention.o_proj = kind(attention.o_proj)
    trace = trace_model(network, inputs("Llama"))
    assert trace.layers[0].projections.keys() == {"output"}
    assert trace.layers[1].projections == {}
    assert trace.source.unprojected == ("layer 1",)
    assert trace.source.without_projection(trace.layers) == (
        "W_O is not known of layer 1: the outputs of the heads do not go into one plain linear map"
    )


@pytest.mark.parametrize("name", ["Llama", "Bart"])
def test_what_a_model_writes_has_it_too(name):
    network = model(name)
    written = generate(network, {"input_ids": inputs(name)["input_ids"]}, tokens=3)
    own = {parameter.data_ptr() for parameter in network.parameters()}
    assert all(layer.projections["output"].weight.data_ptr() in own for layer in written.layers)


def test_weights_that_are_packed_count_as_what_they_stand_for(monkeypatch):
    class Packed(TwoTensor):
        """Two arrays that stand for one, as a library packs weights."""

        def dequantize(self):
            return self.a

    weight = torch.randn(3, 4)
    packed = torch.nn.Linear(4, 3)
    packed.weight = torch.nn.Parameter(Packed(weight, weight), requires_grad=False)
    assert torch.equal(linear_maps._weight(packed), weight.T)
    monkeypatch.setattr(Packed, "dequantize", lambda _: "nothing")
    assert linear_maps._weight(packed).numel() == 0
    monkeypatch.delattr(Packed, "dequantize")
    assert linear_maps._weight(packed).numel() == 0  # torch knows no way to unpack it


@pytest.mark.parametrize("awaited", [False, True])
def test_packed_weights_are_unpacked_only_where_they_may_be_a_projection(awaited):
    class Awaiting(OutputProjections):
        told = 0

        def awaits(self, _):
            return awaited

        def pass_through(self, _):
            self.told += 1
            return awaited

    packed, projections = torch.nn.Linear(4, 3, bias=False), Awaiting()
    packed.weight = torch.nn.Parameter(TwoTensor(packed.weight.data, packed.weight.data), requires_grad=False)
    with linear_maps.following_linear_maps(packed, lambda: projections):
        packed(torch.randn(2, 4))
    assert projections.told == awaited


def test_a_map_that_gives_no_array_and_a_weight_that_cannot_be_unpacked_are_no_projection():
    class Odd(torch.nn.Linear):
        def forward(self, given):
            return (super().forward(given),)

    class Packed:
        def dequantize(self):
            raise RuntimeError("not on this device")

    told = []
    projections = OutputProjections()
    projections.pass_through = told.append
    with linear_maps.following_linear_maps(torch.nn.Sequential(Odd(2, 2)), lambda: projections):
        Odd(2, 2)(torch.ones(1, 2))
    network = torch.nn.Sequential(Odd(2, 2))
    with linear_maps.following_linear_maps(network, lambda: projections):
        network(torch.ones(1, 2))
    assert told == []
    assert linear_maps._unpacked(Packed()).numel() == 0


def test_what_a_pass_knew_is_not_taken_for_the_next():
    """Of two maps neither is the projection, nor is one whose result somebody changes: whatever was found before."""
    network, given = copy.deepcopy(model("Llama")), inputs("Llama")
    own = network.model.layers[0].self_attn.o_proj

    def found():
        return [layer.index for layer in trace_model(network, given).layers if layer.projections]

    assert found() == [0, 1]
    hook = own.register_forward_hook(lambda _, __, output: output * 2)
    assert found() == [1]
    hook.remove()
    hook = own.register_forward_pre_hook(lambda _, arguments: (arguments[0][..., 8:16].zero_(), None)[1])
    assert found() == [1]
    hook.remove()
    beside = network.model.layers[0].self_attn.gate = torch.nn.Linear(32, 32)
    hook = own.register_forward_hook(lambda _, arguments, output: output + 0 * beside(arguments[0]))
    assert found() == [1]
    hook.remove()
    assert found() == [0, 1]
