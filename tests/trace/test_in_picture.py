"""Which layers of a trace are looked at on a picture."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from pictured import pictured_trace

from attnviz import Layer, trace_text
from attnviz.errors import AttnvizError
from attnviz.trace.in_picture import in_picture, require_same_size


def of_both():
    """A tower of two layers, and behind it a text of two whose first tokens are its patches."""
    tower, text = pictured_trace(), pictured_trace(words=("the", "cat"))
    named = [replace(layer, name=f"vision {layer.index}") for layer in tower.layers]
    behind = [replace(layer, tokens=text.tokens) for layer in text.layers]
    return replace(tower, layers=(*named, *behind))


def titles(trace):
    return [layer.title for layer in trace.layers]


def test_the_layers_of_the_text_come_before_those_of_its_tower():
    assert titles(in_picture(of_both())) == ["layer 0", "layer 1"]
    assert titles(in_picture(of_both(), ["1"])) == ["layer 0", "layer 1"]


def test_a_query_says_which_stack_is_meant():
    assert titles(in_picture(of_both(), query="cat")) == ["layer 0", "layer 1"]
    tower = replace(of_both(), layers=(*of_both().layers[:2], *pictured_trace(words=("a", "b")).layers[:0]))
    assert titles(in_picture(tower, query="cls")) == ["vision 0", "vision 1"]


def test_a_stack_that_is_named_is_meant():
    assert titles(in_picture(of_both(), ["vision 1"]))[:2] == ["vision 0", "vision 1"]


def test_a_query_that_is_nowhere_is_told_later():
    assert titles(in_picture(of_both(), query="nowhere")) == ["layer 0", "layer 1"]


def test_a_trace_without_a_picture_is_refused():
    with pytest.raises(AttnvizError, match="it is not known where the tokens of this trace stand"):
        in_picture(trace_text("the cat sat"))


def test_a_layer_without_one_is_refused():
    trace = pictured_trace()
    blind = Layer(*numpy.ones((3, 1, 7, 2)), index=2)
    both = replace(trace, layers=(*trace.layers, blind))
    with pytest.raises(AttnvizError, match="layer 2 looks at no patch"):
        in_picture(both, ["2"])
    with pytest.raises(AttnvizError, match="layer 9 does not exist"):
        in_picture(both, ["9"])


def test_a_picture_of_another_size_is_refused():
    require_same_size(pictured_trace(), (30, 20))
    with pytest.raises(AttnvizError, match="the image has 20 × 30 pixels, and the one that was read 30 × 20"):
        require_same_size(pictured_trace(), (20, 30))
