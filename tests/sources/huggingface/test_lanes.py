"""Whether passes of a model may run side by side, and whether it is seen that a model changes as it runs."""

from __future__ import annotations

import copy

import pytest
import torch
from tiny_models import model

from attnviz.sources.huggingface.lanes import Held, runs_beside, told_of_changes


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_passes_run_beside_each_other_where_there_are_threads_for_them():
    network = copy.deepcopy(model("Llama"))
    assert runs_beside(network)
    torch.set_num_threads(1)
    assert not runs_beside(network)


@pytest.mark.usefixtures("two_threads")
def test_a_model_that_lies_elsewhere_or_in_parts_runs_once_at_a_time():
    with torch.device("meta"):
        assert not runs_beside(type(model("Llama"))(model("Llama").config))
    parted = copy.deepcopy(model("Llama"))
    parted.hf_device_map = {"model.layers.0": "cpu", "model.layers.1": "disk"}
    assert not runs_beside(parted)


def replaced_buffer(module: torch.nn.Module) -> None:
    module.register_buffer("table", torch.zeros(3))


def set_attribute(module: torch.nn.Module) -> None:
    module.longest = 7


def new_attribute(module: torch.nn.Module) -> None:
    module.another = 7


def lost_attribute(module: torch.nn.Module) -> None:
    del module.longest


def another_weight(module: torch.nn.Module) -> None:
    module.weight = torch.nn.Parameter(module.weight.clone())


def another_module(module: torch.nn.Module) -> None:
    module.inner = torch.nn.Linear(2, 2)


def written_buffer(module: torch.nn.Module) -> None:
    module.table.copy_(torch.ones(3))


def written_past_the_module(module: torch.nn.Module) -> None:
    module._buffers["table"] = torch.zeros(3)


def undone(module: torch.nn.Module) -> None:
    before = module.longest
    module.longest = 7
    module.longest = before


CHANGES = [
    replaced_buffer,
    set_attribute,
    new_attribute,
    lost_attribute,
    another_weight,
    another_module,
    written_buffer,
    written_past_the_module,
]


def network() -> torch.nn.Module:
    made = torch.nn.Sequential(torch.nn.Linear(2, 2))
    made[0].register_buffer("table", torch.zeros(3))
    made[0].longest = 3
    return made


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_of_any_module_is_seen(change):
    made = network()
    with torch.inference_mode():
        held = Held(made)
        change(made[0])
        assert held.has_changed


def test_what_only_runs_is_seen_not_to_change():
    made = network()
    with torch.inference_mode():
        held = Held(made)
        made(torch.ones(1, 2))
        assert not held.has_changed


@pytest.mark.parametrize("name", ["Llama", "Gemma2", "GPT2", "Bert", "ModernBert"])
def test_models_that_only_read_do_not_change(name):
    made, told = model(name), []
    with torch.inference_mode(), told_of_changes(made, lambda: told.append(made)):
        held = Held(made)
        made(input_ids=torch.arange(1, 9)[None])
        assert not held.has_changed
    assert told == []


@pytest.mark.parametrize(
    "change",
    [replaced_buffer, set_attribute, new_attribute, another_weight, undone],
    ids=lambda change: change.__name__,
)
def test_a_change_is_told_before_it_is_made_even_where_it_is_undone(change):
    made, told = network(), []
    with told_of_changes(made, lambda: told.append(made[0].longest)):
        change(made[0])
    assert told[0] == 3
    told.clear()
    change(made[0])  # nobody listens any more
    assert told == []


def test_what_is_set_to_the_same_or_in_another_model_is_no_change():
    made, other, told = network(), network(), []
    with told_of_changes(made, lambda: told.append(made)):
        made[0].longest = 3
        made[0].weight = made[0].weight
        set_attribute(other[0])
    assert told == []


def test_a_change_that_is_undone_leaves_nothing_to_see():
    """Which is why it is told, too."""
    made = network()
    held = Held(made)
    undone(made[0])
    assert not held.has_changed
