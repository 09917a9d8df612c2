"""Each way in which programs hand out weights is read as what it says, or refused in one line."""

from __future__ import annotations

import numpy
import pytest
import torch

from attnviz.errors import AttnvizError
from attnviz.sources.weights.handed_out import is_steps, layers_of

GIVEN = torch.softmax(torch.from_numpy(numpy.random.default_rng(0).standard_normal((3, 2, 4, 5))), -1)  # (layers, …)
WAYS = {
    "an array of all layers": GIVEN.numpy(),
    "a tensor of all layers": GIVEN,
    "all layers of a batch of one": GIVEN[:, None],
    "a tensor a layer": tuple(GIVEN),
    "transformers": tuple(GIVEN[:, None]),
    "an array a layer": [*GIVEN.numpy()],
    "Keras": [*GIVEN[:, None].numpy()],
    "nested lists": GIVEN.tolist(),
    "nested tuples": tuple(map(tuple, GIVEN.tolist())),
    "nested lists of a batch of one": GIVEN[:, None].tolist(),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_says_the_same(way):
    layers = layers_of(WAYS[way])
    assert [layer.number for layer in layers] == [0, 1, 2]
    for layer, wanted in zip(layers, GIVEN, strict=True):
        numpy.testing.assert_array_equal(numpy.asarray(layer.weights), wanted.numpy())


@pytest.mark.parametrize(("axes", "heads"), [(3, 2), (2, 1)])
def test_one_layer_and_one_head_may_lack_their_axes(axes, heads):
    array = GIVEN[0] if axes == 3 else GIVEN[0, 0]
    [layer] = layers_of(array)
    assert tuple(layer.weights.shape) == (heads, 4, 5)
    assert (layer.weights[0] == GIVEN[0, 0]).all()


def test_layers_may_differ_in_heads_and_keys():
    first, second = numpy.full((2, 3, 3), 1 / 3), numpy.full((4, 3, 2), 1 / 2)
    for given in ([first, second], [first.tolist(), second.tolist()], [first[None], second]):
        shapes = [tuple(layer.weights.shape) for layer in layers_of(given)]
        assert shapes == [(2, 3, 3), (4, 3, 2)]


def test_a_layer_without_attention_is_left_out_and_the_numbers_stay():
    layers = layers_of((GIVEN[0], None, GIVEN[2]))
    assert [layer.number for layer in layers] == [0, 2]


def test_a_tensor_loses_its_gradient():
    [layer] = layers_of(GIVEN[:1].clone().requires_grad_())
    assert not layer.weights.requires_grad


@pytest.mark.parametrize("item", [0, 1])
def test_an_item_of_a_batch_is_chosen(item):
    batch = torch.stack([GIVEN, GIVEN.flip(-1)], dim=1)  # (layers, batch, …)
    for given in (batch, tuple(batch), batch.tolist()):
        layers = layers_of(given, item)
        assert (numpy.asarray(layers[1].weights) == batch[1, item].numpy()).all()


@pytest.mark.parametrize(
    ("given", "item", "words"),
    [
        (GIVEN[:, None].expand(3, 2, 2, 4, 5), None, "holds a batch of 2 texts: which one is meant"),
        (tuple(GIVEN[:, None].expand(3, 2, 2, 4, 5)), None, "holds a batch of 2 texts"),
        (GIVEN[:, None], 1, "there is no item 1: the batch has 1"),
        (GIVEN[:, None], -1, "there is no item -1"),
        (GIVEN, 0, "has no batch, of which item=0 could be one"),
        (GIVEN[0, 0, 0], None, r"has the shape \(5,\): expected \(layers, heads, queries, keys\)"),
        (GIVEN[None, None], None, r"has the shape \(1, 1, 3, 2, 4, 5\)"),
        ([GIVEN[0, 0]], None, r"attentions\[0\] has the shape \(4, 5\): expected \(heads, queries, keys\)"),
        ([], None, "has the shape"),
        ([None, None], None, "holds no weights"),
        ([[1.0, 2.0], [1.0]], None, "is ragged or not numbers"),
        ("text", None, "holds str"),
        ({"attentions": GIVEN, "logits": 1}, None, "is a mapping of attentions, logits: give one of its values"),
        (GIVEN.to_sparse(), None, "has the layout torch.sparse_coo"),
    ],
)
def test_what_is_none_of_them_is_refused_in_one_line(given, item, words):
    with pytest.raises(AttnvizError, match=words) as raised:
        layers_of(given, item)
    assert "\n" not in raised.value.message


def test_steps_of_a_generation_are_told_apart():
    assert is_steps((tuple(GIVEN[:, None]), tuple(GIVEN[:, None])))
    assert is_steps(((None, GIVEN[0]),))
    for way in WAYS.values():
        assert not is_steps(way)


@pytest.mark.parametrize(
    ("shape", "said"),
    [((10**9, 0, 4, 4), "is empty: its shape is"), ((10**6 + 1, 1, 1, 1), "holds 1,000,001 layers")],
)
def test_layers_without_end_are_refused_before_they_are_counted(shape, said):
    with pytest.raises(AttnvizError, match=said):
        layers_of(numpy.ones(shape, numpy.float32))
