"""Both ends of the way through a layer, as a page holds them."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from random_traces import projected_trace, random_trace

from attnviz import trace_text
from attnviz.choices import Position
from attnviz.renderers.page.blobs import Blobs, compressed
from attnviz.renderers.page.forms import BASE64, Form
from attnviz.renderers.page.packing import Part, pack_parts
from attnviz.renderers.page.way import ROWS_PART, add_ways, narrowed, way_arrays, way_facts
from attnviz.trace.selection import select


def of(trace, **selected):
    [layer] = select(trace, **selected).layers
    return layer, way_arrays(layer)


@pytest.mark.parametrize("heads", [["0", "1", "2", "3"], ["3", "0"]])
def test_each_head_has_its_columns_and_they_make_its_vectors(heads):
    trace = projected_trace()
    [layer] = trace.layers
    _, arrays = of(trace, head=heads)
    kept = list(dict.fromkeys(layer.kv_head(int(head)) for head in heads))
    for side, places in (("query", list(map(int, heads))), ("key", kept), ("value", kept)):
        made = numpy.einsum("td,hdk->htk", arrays["embeddings"], arrays[f"{side}Weight"])
        made += arrays[f"{side}Bias"][:, None]
        assert numpy.allclose(made, getattr(layer, side)[places])


def test_the_outputs_of_other_heads_are_there_for_w_o():
    trace = projected_trace()
    [layer] = trace.layers
    selected, arrays = of(trace, head=["2"])
    assert numpy.allclose(arrays["otherOutputs"], layer.steps().output[[0, 1, 3]])
    assert way_facts(selected, arrays, False)["otherHeads"] == [0, 1, 3]
    selected, arrays = of(trace)
    assert "otherOutputs" not in arrays
    assert way_facts(selected, arrays, False)["otherHeads"] == []


def test_what_is_unknown_is_left_out():
    selected, arrays = of(random_trace(1, 3, 4, 8))
    assert arrays == {}
    facts = {"headCount": 3, "otherHeads": [], "rotary": False, "bare": False, "leftOut": False}
    assert way_facts(selected, arrays, False) == facts


@pytest.mark.parametrize(
    ("options", "names", "bare"),
    [
        ({}, {"embeddings"}, True),
        ({"position": Position.SINUSOIDAL}, {"embeddings", "positions"}, True),
        ({"position": Position.ROPE}, {"embeddings"}, False),
    ],
)
def test_a_toy_holds_what_it_has(options, names, bare):
    selected, arrays = of(trace_text("the cat sat", **options))
    assert arrays.keys() == names
    facts = way_facts(selected, arrays, False)
    assert (facts["bare"], facts["rotary"]) == (bare, options.get("position") is Position.ROPE)


def record_of(trace, room, **chosen):
    parts, blobs = [Part(selected, Form.EXACT) for selected in select(trace, **chosen).layers], Blobs()
    record = {"layers": [{} for _ in parts]}
    add_ways(record, parts, pack_parts(parts), blobs, room)
    return record["layers"], blobs


def test_where_there_is_no_room_the_page_says_so():
    trace = projected_trace()
    [said], blobs = record_of(trace, 1e6)
    assert said["embeddings"]["shape"] == [5, 6]
    assert len(blobs.by_digest) == len(way_arrays(select(trace).layers[0]))
    assert not said["leftOut"]
    [said], blobs = record_of(trace, 1000)
    assert said["leftOut"]
    assert "embeddings" not in said
    assert not blobs.by_digest


LARGE = 9000  # numbers that W_O makes: it has more than a page holds


@pytest.mark.parametrize("heads", [(), ["2"]])
def test_of_a_large_w_o_the_page_holds_what_it_makes(heads):
    trace = projected_trace(LARGE)
    [layer] = trace.layers
    [said], blobs = record_of(trace, 1e7, head=heads)
    assert said["projectedRows"]["shape"] == [5, LARGE]
    assert "outputWeight" not in said
    assert "rowsLeftOut" not in said
    rows = numpy.frombuffer(list(blobs.by_digest.values())[said["projectedRows"]["blob"]])
    assert numpy.allclose(rows.reshape(5, LARGE), layer.projected(layer.concat(layer.steps().output)), rtol=1e-12)


def test_what_a_large_w_o_makes_takes_but_a_part_of_the_page():
    taken = BASE64 * 5 * LARGE * 4 / ROWS_PART
    [said], _ = record_of(projected_trace(LARGE), taken + 1)
    assert "projectedRows" in said
    [said], blobs = record_of(projected_trace(LARGE), taken - 1)
    assert said["rowsLeftOut"]
    assert "projectedRows" not in said
    assert not said["leftOut"]  # X and the small matrices had room
    assert max(len(content) for content in blobs.by_digest.values()) < 5 * LARGE


def compressed_size(arrays):
    return BASE64 * sum(len(compressed(array.tobytes())) for array in arrays)


def test_what_fits_once_it_is_compressed_is_there_in_its_own_numbers():
    trace = trace_text("a b c", heads=4, dim=64)
    parts = [Part(selected, Form.EXACT) for selected in select(trace).layers]
    [ways], [packed] = [way_arrays(part.selected) for part in parts], pack_parts(parts)
    own = compressed_size([*ways.values(), *packed.arrays.values()])
    assert own < 0.7 * BASE64 * sum(array.nbytes for array in ways.values())
    [said], _ = record_of(trace, own + 10)
    assert ("singleWay" in said, said["leftOut"], said["queryWeight"]["type"]) == (False, False, "float64")


def test_what_fits_in_single_precision_alone_is_there_in_it():
    trace = projected_trace()
    parts = [Part(selected, Form.EXACT) for selected in select(trace).layers]
    [ways], [packed] = [way_arrays(part.selected) for part in parts], pack_parts(parts)
    held = compressed_size(packed.arrays.values())
    own, single = (compressed_size([a.astype(kind) for a in ways.values()]) for kind in ("float64", "float32"))
    assert single < own
    [said], blobs = record_of(trace, held + (own + single) / 2)
    assert (said["singleWay"], said["leftOut"], said["outputWeight"]["type"]) == (True, False, "float32")
    stored = numpy.frombuffer(list(blobs.by_digest.values())[said["outputWeight"]["blob"]], "float32")
    assert numpy.allclose(stored, ways["outputWeight"].ravel(), rtol=1e-7)
    [said], _ = record_of(trace, held + single - 300)
    assert (said["leftOut"], "singleWay" in said) == (True, False)


def test_nothing_is_left_out_where_nothing_is_known():
    [said], _ = record_of(random_trace(1, 3, 4, 8), 0)
    assert not said["leftOut"]


def test_a_page_of_weights_holds_none():
    [selected] = select(projected_trace()).layers
    parts = [Part(selected, Form.WEIGHTS)]
    record = {"layers": [{}]}
    add_ways(record, parts, pack_parts(parts), Blobs(), 1e9)
    assert record == {"layers": [{}]}


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [
        ([0.5, -2.0], "float16"),
        ([0.1, 1e9], "float64"),
        ([numpy.float32(0.1), 1e9], "float32"),
        ([70000, 1], "float32"),
    ],
)
def test_numbers_are_held_in_the_narrowest_exact_type(numbers, kind):
    array = numpy.array(numbers, dtype=numpy.float64)
    narrow = narrowed(array)
    assert narrow.dtype.name == kind
    assert (narrow.astype(numpy.float64) == array).all()


def test_a_layer_is_bare_where_its_vectors_are_its_inputs():
    [layer] = trace_text("the cat").layers
    assert layer.bare
    assert not replace(layer, key=layer.key + 1).bare
    assert not replace(layer, embeddings=None).bare
