"""W_O is found by following numbers: through views and copies, and only where it is the one linear map of the heads' outputs."""

from __future__ import annotations

import weakref

import pytest
import torch

from attnviz.sources.recording.output_projection import LinearMap, OutputProjections


def outputs(batch: int = 1, tokens: int = 9, heads: int = 3, width: int = 4) -> torch.Tensor:
    return torch.randn(batch, tokens, heads, width, generator=torch.Generator().manual_seed(0))


def linear_map(given: torch.Tensor, width: int = 5, bias: bool = True, seed: int = 1) -> LinearMap:
    torch.manual_seed(seed)
    module = torch.nn.Linear(given.shape[-1], width, bias, dtype=given.dtype)
    return LinearMap(given, module.weight.T, module.bias, module(given))


ON_THE_WAY = {
    "a view": lambda array: array.flatten(-2),
    "a copy": lambda array: array.flatten(-2).clone(),
    "flat": lambda array: array.reshape(-1, array.shape[-2] * array.shape[-1]),
    "transposed and back": lambda array: array.transpose(1, 2).contiguous().transpose(1, 2).flatten(-2),
    "dropout that is off": lambda array: torch.nn.functional.dropout(array.flatten(-2), 0.5, training=False),
}


@pytest.mark.parametrize("way", ON_THE_WAY)
@pytest.mark.parametrize("tokens", [1, 2, 9])
def test_the_outputs_are_followed(way, tokens):
    projections, array = OutputProjections(), outputs(tokens=tokens)
    projections.leave("here", array)
    linear = linear_map(ON_THE_WAY[way](array))
    projections.pass_through(linear)
    found = projections.found["here"]
    torch.testing.assert_close(found(array[0].flatten(-2)), linear.made.reshape(tokens, -1))
    assert found.weight.data_ptr() == linear.weight.data_ptr()  # the module's own, not a copy
    assert not found.weight.requires_grad


def test_the_outputs_are_let_go_once_a_map_has_read_them_and_a_second_map_is_still_seen():
    projections, array = OutputProjections(), outputs()
    given, other = array.flatten(-2).clone(), array.flatten(-2).clone()
    projections.leave("here", array)
    address = projections._under_way[-1].outputs
    kept = weakref.ref(address)
    del address
    projections.pass_through(linear_map(given))
    del array
    assert kept() is None
    assert projections.found.keys() == {"here"}
    projections.pass_through(linear_map(other, seed=2))
    assert projections.found == {}


def test_a_map_is_no_longer_looked_for_when_the_next_attention_runs():
    projections, first, second = OutputProjections(), outputs(), outputs() + 1
    projections.leave("first", first)
    projections.pass_through(linear_map(first.flatten(-2)))
    projections.leave("second", second)
    assert not projections.awaits(first.flatten(-2))
    assert projections.awaits(second.flatten(-2))


def test_heads_that_lie_apart_are_put_side_by_side():
    projections, array = OutputProjections(), outputs().transpose(1, 2).contiguous().transpose(1, 2)
    projections.leave("here", array)
    projections.pass_through(linear_map(array.reshape(1, 9, 12)))
    assert projections.found.keys() == {"here"}


@pytest.mark.parametrize(
    "given",
    [
        outputs().flatten(-2) * 2,
        torch.cat([outputs().flatten(-2)] * 2, dim=-1),
        outputs().transpose(1, 2).reshape(1, 9, 12),  # heads and tokens mixed up
        torch.cat([outputs().flatten(-2)[:, :4], outputs().flatten(-2)[:, 5:], outputs().flatten(-2)[:, :1]], dim=1),
    ],
    ids=["gated", "beside others", "mixed up", "another order"],
)
def test_what_is_not_the_outputs_is_passed_over(given):
    projections = OutputProjections()
    projections.leave("here", outputs())
    projections.pass_through(linear_map(given))
    assert projections.found == {}
    projections.pass_through(linear_map(outputs().flatten(-2)))
    assert projections.found.keys() == {"here"}


def test_only_the_row_that_differs_tells():
    array = outputs(tokens=40)
    changed = array.flatten(-2).clone()
    changed[0, 7] += 1  # no row of the sample
    projections = OutputProjections()
    projections.leave("here", array)
    projections.pass_through(linear_map(changed))
    assert projections.found == {}


def test_outputs_that_the_model_changes_where_they_lie_are_others():
    projections, array = OutputProjections(), outputs()
    projections.leave("here", array)
    array.mul_(torch.rand(array.shape))  # a gate
    projections.pass_through(linear_map(array.flatten(-2)))
    assert projections.found == {}


def test_a_map_that_gives_something_else_is_left_out():
    projections, array = OutputProjections(), outputs()
    projections.leave("here", array)
    linear = linear_map(array.flatten(-2))
    projections.pass_through(linear._replace(made=linear.made + 0.01))  # an adapter inside the module
    assert projections.found == {}


@pytest.mark.parametrize(
    "weight", [torch.zeros(12, 5, dtype=torch.int8), torch.zeros(30, 1), torch.zeros(12, 5, device="meta")]
)
def test_packed_weights_are_left_out(weight):
    projections, array = OutputProjections(), outputs()
    projections.leave("here", array)
    projections.pass_through(linear_map(array.flatten(-2), bias=False)._replace(weight=weight))
    assert projections.found == {}


def test_of_two_maps_neither_is_the_projection():
    projections, array = OutputProjections(), outputs()
    projections.leave("here", array)
    for seed in (1, 2, 3):
        projections.pass_through(linear_map(array.flatten(-2), seed=seed))
    assert projections.found == {}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_every_type(dtype):
    projections, array = OutputProjections(), outputs(tokens=30, heads=8, width=32).to(dtype)
    projections.leave("here", array)
    projections.pass_through(linear_map(array.flatten(-2), 64))
    assert projections.found["here"].weight.dtype == dtype


def test_each_place_has_its_own_and_no_later_pass_changes_it():
    projections = OutputProjections()
    arrays = [outputs(), outputs() + 1]
    for place, array in enumerate(arrays):
        projections.leave(place, array)
    for array in reversed(arrays):
        projections.pass_through(linear_map(array.flatten(-2), seed=int(array[0, 0, 0, 0])))
    assert projections.found.keys() == {0, 1}
    projections.leave(0, outputs() + 2)
    projections.pass_through(linear_map((outputs() + 2).flatten(-2)))
    assert projections.found.keys() == {0, 1}


def test_a_module_that_has_ended_is_not_followed():
    projections = OutputProjections()
    projections.leave("here", outputs())
    projections.end()
    projections.pass_through(linear_map(outputs().flatten(-2)))
    assert projections.found == {}


def test_outputs_are_awaited_until_the_module_ends():
    projections, array = OutputProjections(), outputs()
    assert not projections.awaits(array.flatten(-2))
    projections.leave("here", array)
    assert projections.awaits(array.flatten(-2))
    assert not projections.awaits(array.flatten(-2) + 1)
    projections.end()
    assert not projections.awaits(array.flatten(-2))
