"""From watched layers to a trace."""

from __future__ import annotations

import numpy
import torch
from tiny_models import model

from attnviz import Layer
from attnviz.sources.huggingface.assembling import assembled, completed, read_by, with_tokens
from attnviz.sources.huggingface.inputs import Reading
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.patches.found import InPicture
from attnviz.sources.huggingface.patches.reached import Patches
from attnviz.sources.huggingface.tokens import Tokens
from attnviz.trace.origin import Origin
from attnviz.trace.trace import Trace

TEXT, TARGET = Tokens((5, 6, 7), ("a", "b", "c"), (0,)), Tokens((8, 9), ("x", "y"), ())


def layer(queries, keys, name="", kind="self", index=0):
    made = numpy.ones((1, queries, 2), dtype=numpy.float32), *[numpy.ones((1, keys, 2), dtype=numpy.float32)] * 2
    return Layer(*map(torch.from_numpy, made), index=index, name=name, kind=kind)


def test_each_stack_has_the_tokens_that_it_reads_and_stands_together():
    kept = [
        (layer(3, 3, "encoder 0"), 1e-7),
        (layer(2, 2, "decoder 0"), 2e-7),
        (layer(2, 3, "cross 0", "cross"), 3e-7),
        (layer(2, 2, "decoder 1", index=1), 0.0),
        (layer(4, 4, "vision 0"), 0.0),
    ]
    trace = assembled(Model(model("Llama"), "a/folder"), kept, ("a.b",), Reading({}, TEXT, TARGET))
    assert [one.name for one in trace.layers] == ["encoder 0", "decoder 0", "decoder 1", "cross 0", "vision 0"]
    assert trace.tokens == ("a", "b", "c")
    assert [(trace.query_tokens(one), trace.key_tokens(one)) for one in trace.layers[2:4]] == [
        (("x", "y"), ("x", "y")),
        (("x", "y"), ("a", "b", "c")),
    ]
    assert trace.query_tokens(trace.layers[4]) == ("0", "1", "2", "3")
    source = trace.source
    assert (source.model, source.unseen, source.agreement.largest_error) == ("folder", ("a.b",), 3e-7)
    assert (source.text.ids, source.text.special, source.target.ids) == ((5, 6, 7), {0}, (8, 9))


def test_the_last_queries_have_the_last_tokens():
    some = with_tokens(layer(1, 3), Reading({}, TEXT), whole=3)
    assert (some.tokens, some.key_tokens) == (("c",), ("a", "b", "c"))


def test_of_weights_alone_it_is_said_why():
    alone = Layer(weights=torch.full((1, 3, 3), 1 / 3))
    whole, reasons = layer(3, 3, index=1), {"layer 0": "why", "layer 7": "of a layer that is not kept"}
    trace = assembled(Model(model("Llama"), "m"), [(alone, None), (whole, 1e-7)], (), Reading({}, TEXT), None, reasons)
    assert trace.source.because == {"layer 0": "why"}
    assert trace.source.unprojected == ("layer 1",)
    assert trace.source.agreement.errors == {"layer 1": 1e-7}
    trace = assembled(Model(model("Llama"), "m"), [(alone, None)], (), Reading({}, TEXT))
    assert (trace.source.agreement.largest_error, trace.source.agreement.checked_queries) == (None, None)


def shown(*cells):
    """Patches of 10 pixels a side at the (row, column) of ``cells``; a token with None shows none."""
    places = numpy.array([[[-1, -1]] * 3 if cell is None else [[0, 0], [cell[0]] * 2, [cell[1]] * 2] for cell in cells])
    left_top = 10.0 * places[:, [2, 1], 0]
    boxes = numpy.concatenate([left_top, left_top + 10], axis=1)
    boxes[places[:, 0, 0] < 0] = numpy.nan
    return Patches(places, boxes)


def test_tokens_are_named_by_what_they_show():
    words, patches = shown(None, (0, 0), (0, 1)), shown(None, (0, 0), (0, 1), (1, 0))
    places = InPicture((20, 20), {("", 0): (words, words), ("vision", 0): (patches, patches)})
    kept = [(layer(3, 3), 0.0), (layer(3, 3, index=1), 0.0), (layer(4, 4, "vision 0"), 0.0)]
    reading = Reading({}, TEXT._replace(special=(0, 1)))
    trace = assembled(Model(model("Llama"), "m"), kept, (), reading, places)
    assert [trace.query_tokens(one) for one in trace.layers] == [
        ("a", "r0c0", "r0c1"),
        ("a", "b", "c"),
        ("[CLS]", "r0c0", "r0c1", "r1c0"),
    ]
    assert [one.boxes is not None for one in trace.layers] == [True, False, True]
    assert trace.layers[0].boxes[2].tolist() == [10, 0, 20, 10]
    assert trace.source["picture"] == {"width": 20, "height": 20}
    assert trace.source.text.special == {0}  # 1 shows a part of the picture


def test_each_side_reads_what_its_stack_reads():
    reading = Reading({}, TEXT, TARGET)
    assert read_by("cross", reading) == (TARGET, TEXT)
    assert read_by("decoder", reading) == (TARGET, TARGET)
    assert read_by("", reading) == (TEXT, TEXT)
    assert read_by("vision", reading) == (None, None)


def test_a_trace_gets_its_source_and_its_predictions_and_keeps_its_layers():
    layer = Layer(*(numpy.ones((1, 2, 3)) for _ in range(3)))
    made = Trace(("a", "b"), (layer,), Origin(kind="model", model="m"))
    other = completed(made, Origin(made.source | {"original": "a b\udc80"}))
    assert other.source["original"] == "a b\\udc80"  # as every file can hold it
    assert "original" not in made.source
    assert other.layers == made.layers
    assert completed(made, made.source, ((("c", 0.5),), ())).predictions == ((("c", 0.5),), ())
