"""W_O of a network that was seen before is what it is of one that was not, and a network that has changed is looked at again."""

from __future__ import annotations

import gc

import pytest
import torch
import transformers
from tiny_models import CONFIGS, inputs, model
from watched_models import NAMES, made

from attnviz import trace_model
from attnviz.sources.huggingface import outlets
from attnviz.sources.huggingface import trace_model as tracing
from attnviz.sources.huggingface.outlets import KnownProjections, known_projections
from attnviz.sources.recording.output_projection import OutputProjections


def llama() -> torch.nn.Module:
    return made(transformers.LlamaConfig(**CONFIGS["Llama"]))


def projections(trace) -> list[tuple[int, torch.Tensor]]:
    return [(layer.index, layer.projections["output"].weight) for layer in trace.layers if layer.projections]


@pytest.fixture
def searches(monkeypatch):
    """How many passes looked for all linear maps, and how many asked only those that are known."""
    counted = {"all": 0, "known": 0}
    original = tracing.watched_by

    def watched_by(watch):
        counted["known" if isinstance(watch.projections, KnownProjections) else "all"] += 1
        return original(watch)

    monkeypatch.setattr(tracing, "watched_by", watched_by)
    return counted


@pytest.mark.parametrize("name", NAMES)
def test_the_second_time_a_model_has_the_same_projections(name):
    network, given = model(name), inputs(name)
    outlets.forget(network)  # what another test found
    first, second = (trace_model(network, given) for _ in range(2))
    assert len(first.layers) == len(second.layers)
    for one, other in zip(first.layers, second.layers, strict=True):
        assert one.projections.keys() == other.projections.keys()
        for side, found in one.projections.items():
            assert torch.equal(found.weight, other.projections[side].weight)


def test_known_maps_alone_are_asked(searches):
    network = llama()
    first, second = (trace_model(network, inputs("Llama")) for _ in range(2))
    assert searches == {"all": 1, "known": 1}
    for (index, one), (other, again) in zip(projections(first), projections(second), strict=True):
        assert index == other
        assert one.data_ptr() == again.data_ptr()
    assert len(projections(second)) == 2


def test_layers_that_were_not_seen_are_looked_for(searches):
    network, given = llama(), inputs("Llama")
    assert len(projections(trace_model(network, given, layer=0))) == 1
    assert len(projections(trace_model(network, given))) == 2
    assert searches == {"all": 2, "known": 0}
    assert [index for index, _ in projections(trace_model(network, given, layer=1))] == [1]
    assert searches == {"all": 2, "known": 1}


CHANGES = {
    "numbers": lambda attention: attention.o_proj.weight.mul_(2),
    "another array": lambda attention: setattr(attention.o_proj.weight, "data", attention.o_proj.weight * 2),
    "another module": lambda attention: setattr(attention, "o_proj", torch.nn.Linear(32, 32, bias=False)),
    "one map more": lambda attention: setattr(attention, "gate", torch.nn.Linear(32, 32)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_network_that_has_changed_is_looked_at_again(searches, change):
    network, given = llama(), inputs("Llama")
    trace_model(network, given)
    with torch.no_grad():
        change(network.layers[1].self_attn)
    assert torch.equal(projections(trace_model(network, given))[1][1], network.layers[1].self_attn.o_proj.weight.T)
    assert searches == {"all": 2, "known": 0}


def test_a_change_that_nobody_sees_beforehand_is_seen_as_it_runs(searches):
    network, given = llama(), inputs("Llama")
    expected = trace_model(network, given)
    attention = network.layers[0].self_attn
    original = attention.o_proj.forward
    attention.o_proj.forward = lambda given: original(given)  # as before: its hook is told
    trace_model(network, given)
    assert searches == {"all": 1, "known": 1}
    attention.forward = gated(attention)
    found = trace_model(network, given)
    assert searches == {"all": 2, "known": 2}
    assert [index for index, _ in projections(expected)] == [0, 1]
    assert [index for index, _ in projections(found)] == [1]  # no linear map reads the outputs of the first
    attention.forward = type(attention).forward.__get__(attention)
    again = trace_model(network, given)
    assert searches == {"all": 3, "known": 2}
    assert [index for index, _ in projections(again)] == [0, 1]


def gated(attention):
    """The same attention, whose outputs are halved before W_O."""
    original = type(attention).forward

    def forward(*arguments, **options):
        own, attention._modules["o_proj"] = attention.o_proj, Halved(attention.o_proj)
        try:
            return original(attention, *arguments, **options)
        finally:
            attention._modules["o_proj"] = own

    return forward


class Halved(torch.nn.Module):
    def __init__(self, own):
        super().__init__()
        self.own = [own]

    def forward(self, given):
        return self.own[0](given / 2)


def test_what_nobody_counts_is_not_remembered(searches):
    with torch.inference_mode():
        network = llama()
    trace_model(network, inputs("Llama"))
    trace_model(network, inputs("Llama"))
    assert searches == {"all": 2, "known": 0}


def test_a_network_that_is_gone_is_forgotten():
    network = llama()
    trace_model(network, inputs("Llama"))
    assert network in outlets._of_networks
    count = len(outlets._of_networks)
    del network
    gc.collect()
    assert len(outlets._of_networks) < count


def test_an_attention_whose_outputs_go_nowhere_or_that_is_new_is_unmet():
    network = llama()
    trace_model(network, inputs("Llama"))
    places = frozenset([("", 0), ("", 1)])
    known = known_projections(network, places)
    assert not known.awaits(torch.ones(3))
    known.leave(("", 0), torch.randn(1, 3, 4, 8))
    assert not known.awaits(torch.ones(1, 3, 32))
    known.leave(("", 1), torch.randn(1, 3, 4, 8))
    assert known.unmet
    other = known_projections(network, places)
    other.leave(("", 2), torch.randn(1, 3, 4, 8))
    assert other.unmet
    assert known_projections(network, frozenset([("", 5)])) is None
    assert known_projections(network, frozenset()) is None


def test_where_one_projection_is_not_found_nothing_is_remembered():
    network, found = llama(), OutputProjections()
    found.found["", 0], found.modules["", 0] = object(), network.layers[0].self_attn.o_proj
    outlets.remember(network, found, frozenset([("", 0), ("", 1)]))
    assert known_projections(network, frozenset([("", 0)])) is None
    outlets.remember(network, found, frozenset())
    assert known_projections(network, frozenset()) is None
