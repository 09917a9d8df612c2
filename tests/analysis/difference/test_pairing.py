"""Which heads stand beside each other, and what LAYER.HEAD means."""

from __future__ import annotations

import numpy
import pytest

from attnviz import AttnvizError, Layer, Trace
from attnviz.analysis.difference.pairing import HeadPlace, head_meant, layer_and_head, paired
from attnviz.errors import UsageError
from attnviz.trace.selection import select


def a_trace(*layers):
    """A trace of layers (name, number, heads)."""
    made = []
    for name, number, heads in layers:
        vectors = numpy.ones((heads, 3, 2))
        made.append(Layer(vectors, vectors, vectors, index=number, name=name))
    return Trace(("a", "b", "c"), tuple(made))


LARGE = a_trace(("", 0, 2), ("", 1, 3), ("", 4, 1))
SMALL = a_trace(("", 1, 2), ("", 4, 1), ("", 5, 2))
STACKS = a_trace(("encoder 0", 0, 2), ("decoder 0", 0, 2), ("cross 0", 0, 2))


def test_heads_of_the_same_layer_and_number_stand_beside_each_other():
    pairs = paired(select(LARGE).layers, select(SMALL).layers)
    assert [(one.left.layer.index, one.heads) for one in pairs.layers] == [(1, [(0, 0), (1, 1)]), (4, [(0, 0)])]
    assert all(one.left.layer.index == one.right.layer.index for one in pairs.layers)
    assert pairs.only == (
        [HeadPlace("layer 0", 0, 0), HeadPlace("layer 0", 0, 1), HeadPlace("layer 1", 1, 2)],
        [HeadPlace("layer 5", 5, 0), HeadPlace("layer 5", 5, 1)],
    )


def test_layers_of_another_stack_are_others():
    assert paired(select(STACKS).layers, select(LARGE).layers).layers == []
    assert len(paired(select(STACKS).layers, select(STACKS).layers).layers) == 3


def test_the_order_that_is_asked_for_stays():
    chosen = select(LARGE, layer=["4,1"], head=["0"]).layers
    assert [one.left.layer.index for one in paired(chosen, select(SMALL).layers).layers] == [4, 1]


@pytest.mark.parametrize(
    ("words", "meant"), [("3.4", ("3", "4")), (" 0.0 ", ("0", "0")), ("cross 2.11", ("cross 2", "11"))]
)
def test_layer_and_head(words, meant):
    assert layer_and_head("left", words) == meant


@pytest.mark.parametrize(
    "words", ["", "3", "3.", ".4", "3.4.5", "3-4", "x.1", "-1.0", "1.0e3", "3 . 4", "٣.٤x", "9" * 12 + ".1"]
)
def test_another_form_is_told(words):
    with pytest.raises(UsageError, match=r"--right .*: expected LAYER\.HEAD, such as 3\.4"):
        layer_and_head("right", words)


def test_one_head_is_found_by_its_number_or_told():
    assert (head_meant("left", "1.2", LARGE).layer.index, head_meant("left", "1.2", LARGE).heads) == (1, (2,))
    assert head_meant("left", "cross 0.1", STACKS).layer.name == "cross 0"
    for words, message in (
        ("2.0", "layer 2 does not exist"),
        ("1.3", "head 3 does not exist"),
        ("cross 1.0", "there are no cross layers"),
    ):
        with pytest.raises(AttnvizError, match=message):
            head_meant("left", words, LARGE)


def test_of_several_stacks_one_must_be_named():
    with pytest.raises(AttnvizError, match=r"--left 0\.1: encoder 0 and decoder 0 both have such a head") as caught:
        head_meant("left", "0.1", STACKS)
    assert caught.value.hint == "name one: --left 'encoder 0.1'"
