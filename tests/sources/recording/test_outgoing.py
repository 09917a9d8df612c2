"""W_O is the first linear map that an attention's output goes into, whichever function it is."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import linear

import attnviz

WEIGHT, BIAS = torch.randn(12, 7), torch.randn(7)
GIVEN = torch.randn(2, 3, 5, 4)
MAPS = {
    "linear": (lambda concat: linear(concat, WEIGHT.T, BIAS), BIAS),
    "linear, named": (lambda concat: linear(concat, WEIGHT.T, bias=BIAS), BIAS),
    "linear without a bias": (lambda concat: linear(concat, WEIGHT.T), None),
    "addmm": (lambda concat: torch.addmm(BIAS, concat.flatten(0, 1), WEIGHT).view(2, 5, 7), BIAS),
    "matmul": (lambda concat: concat @ WEIGHT, None),
}


def attention():
    return ((GIVEN @ GIVEN.mT).softmax(-1) @ GIVEN).transpose(1, 2).reshape(2, 5, 12)


@pytest.mark.parametrize("name", MAPS)
def test_it_maps_the_heads_side_by_side_to_what_the_module_gave(name):
    mapped, bias = MAPS[name]
    with attnviz.record() as recording:
        result = mapped(attention())
    for item in range(2):
        layer = recording.trace(item=item).layers[0]
        assert torch.equal(layer.projections["output"].weight, WEIGHT)
        assert (layer.projections["output"].bias is None) == (bias is None)
        assert torch.allclose(layer.projected(layer.concat(layer.steps().output)), result[item], atol=1e-5)


def test_it_is_found_where_tokens_come_first():
    with attnviz.record() as recording:
        result = linear(attention().transpose(0, 1).contiguous(), WEIGHT.T)
    layer = recording.trace(item=1).layers[0]
    assert torch.allclose(layer.projected(layer.concat(layer.steps().output)), result[:, 1], atol=1e-5)


@pytest.mark.parametrize(
    "following",
    [
        lambda concat: concat + 1,
        lambda concat: linear(concat + 1, WEIGHT.T),
        lambda concat: concat @ torch.randn(12),
        lambda concat: torch.addmm(torch.ones(10, 7), concat.flatten(0, 1), WEIGHT),
        lambda concat: (linear(concat, WEIGHT.T), linear(concat, WEIGHT.T)),
    ],
)
def test_what_is_no_map_of_the_output_alone_is_none(following):
    with attnviz.record() as recording:
        following(attention())
    assert recording.trace().layers[0].projections == {}


def test_it_stays_what_it_was_when_the_module_is_trained_or_moved():
    module = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    given = torch.randn(1, 5, 8)
    with attnviz.record(module) as recording:
        result = module(given, given, given)[0]
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    module.double().to("meta")
    layer = recording.trace().layers[0]
    assert torch.allclose(layer.projected(layer.concat(layer.steps().output)), result[0], atol=1e-6)


@pytest.mark.parametrize("changed", [lambda scores: scores, torch.sin])
def test_it_tells_heads_that_stand_before_the_items_whose_weights_may_be_all_that_is_known(changed):
    given = GIVEN.transpose(0, 1).flatten(0, 1)
    with attnviz.record() as recording:
        weights = changed(given @ given.mT).softmax(-1)
        linear(torch.cat((weights @ given).split(2, 0), -1), WEIGHT.T)
    (layer,) = recording.layers
    assert (layer.items, layer.heads) == (2, 3)
    trace = recording.trace(item=1).layers[0]
    ours = trace.weights if trace.weights_alone else trace.steps().weights
    assert torch.allclose(torch.as_tensor(ours), weights[1::2], atol=1e-6)
    assert trace.weights_alone == (not trace.projections)
