"""The way through the layers: from the last to the first, and one line where nothing can go from one to the next."""

from dataclasses import replace

import numpy
import pytest
from followed_traces import layered

from attnviz import AttnvizError, Layer, Rule, Trace
from attnviz.analysis.across.way import in_one_stack, way_through
from attnviz.choices import HeadsAs
from attnviz.trace.selection import select


def through(trace, **chosen):
    return way_through(trace, select(trace, **chosen))


def renamed(trace, *names):
    """``trace`` with layers of these names, which say of which stack they are."""
    layers = (
        replace(layer, name=name, index=int(name.split()[1]) if name else layer.index)
        for layer, name in zip(trace.layers, names, strict=True)
    )
    return replace(trace, layers=tuple(layers))


def test_it_goes_from_the_last_layer_to_the_first_however_they_are_named():
    trace = layered(4)
    assert [layer.index for layer in through(trace).layers] == [3, 2, 1, 0]
    assert [layer.index for layer in through(trace, layer=["1-2"]).layers] == [2, 1]
    assert [layer.index for layer in through(trace, layer=["2,0,1"]).layers] == [2, 1, 0]


def test_it_has_the_heads_that_are_selected_and_how_they_are_followed():
    trace = layered(2)
    way = way_through(trace, select(trace, head=["1-2"]), HeadsAs.MAX, 0.25)
    assert (way.heads, way.heads_as, way.residual, way.tokens) == (((1, 2), (1, 2)), HeadsAs.MAX, 0.25, 6)
    assert way.passing(1).layer is trace.layers[0]


def test_a_layer_between_them_must_not_be_missing():
    with pytest.raises(AttnvizError, match="between layer 3 and layer 1 some are missing"):
        through(layered(4), layer=["0-1,3"])


def test_the_layers_must_be_of_one_stack():
    trace = renamed(layered(2), "encoder 0", "decoder 0")
    with pytest.raises(AttnvizError, match="and these are of encoder and decoder") as raised:
        through(trace)
    assert raised.value.hint == "choose one with --layer, such as --layer encoder"
    assert [layer.name for layer in through(trace, layer=["decoder"]).layers] == ["decoder 0"]


def seeing():
    """One layer that looks at patches, and one that reads a text."""
    patches, text = renamed(layered(2), "vision 0", "").layers
    return Trace(
        tuple("abcdef"),
        (replace(patches, tokens=tuple("uvwxyz")), replace(text, index=0)),
        predictions=[[("g", 0.5)]] * 6,
    )


def test_of_a_model_that_sees_too_the_layers_that_read_its_text_are_followed():
    assert [layer.stack for layer in through(seeing()).layers] == [""]
    assert [layer.stack for layer in through(seeing(), layer=["vision"]).layers] == ["vision"]


def test_a_query_is_looked_for_in_the_stack_that_is_followed():
    text = in_one_stack(seeing())
    assert [layer.stack for layer in text.layers] == [""]
    assert len(text.predictions) == 6
    assert select(text, query="c").layers[0].query == 2
    patches = in_one_stack(seeing(), ["vision"])
    assert [layer.stack for layer in patches.layers] == ["vision"]
    assert patches.predictions == ()
    whole = layered(2)
    assert in_one_stack(whole) is whole


def test_of_several_stacks_one_must_be_named_before_a_query_is_looked_for():
    trace = renamed(layered(2), "encoder 0", "decoder 0")
    with pytest.raises(AttnvizError, match="and these are of encoder and decoder"):
        in_one_stack(trace)
    assert [layer.stack for layer in in_one_stack(trace, ["decoder"]).layers] == ["decoder"]


def test_attention_to_another_text_cannot_be_followed():
    [layer] = layered(1).layers
    crossing = Trace(tuple("abcdef"), (replace(layer, kind="cross", name="cross 0"),))
    with pytest.raises(AttnvizError, match="the queries of cross 0 are other tokens than its keys"):
        through(crossing)


def test_the_keys_must_be_the_queries():
    vectors = numpy.ones((1, 5, 2))
    layer = Layer(vectors[:, :2], vectors, vectors, Rule(causal=True, query_offset=3), key_tokens=tuple("abcde"))
    with pytest.raises(AttnvizError, match="the queries of layer 0 are other tokens than its keys"):
        through(Trace(tuple("de"), (layer,)))


def test_all_layers_must_have_the_same_tokens():
    trace = layered(2)
    other = replace(trace.layers[0], tokens=tuple("abcdef"))
    with pytest.raises(AttnvizError, match="layer 1 and layer 0 have different tokens"):
        through(replace(trace, layers=(other, trace.layers[1])))


def test_sinks_are_known():
    assert through(layered(1, rule="sinks")).leaves_sinks_out
    assert not through(layered(1)).leaves_sinks_out
