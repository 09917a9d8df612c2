"""Which numbers a page takes: the most exact that are easy to open, and never some that would be cut."""

from __future__ import annotations

import numpy
import pytest
from random_traces import projected_trace, random_trace

from attnviz import Layer, Trace
from attnviz.renderers.page.blobs import Blobs
from attnviz.renderers.page.forms import Form, best_form, packed_size, single, smallest_form
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.page.packing import Part, pack_part
from attnviz.trace.selection import select


def selected_of(layers, heads, tokens, d, dtype):
    """Layers of that size, of which nothing is to be computed."""
    vectors = numpy.ones((heads, tokens, d), dtype)
    trace = Trace(tuple("a" * tokens), tuple(Layer(*[vectors] * 3, index=index) for index in range(layers)))
    return select(trace).layers


@pytest.mark.parametrize(
    ("shape", "dtype", "megabytes", "form"),
    [
        ((2, 2, 10, 8), "float64", 50, Form.EXACT),
        ((4, 12, 140, 64), "float64", 50, Form.SINGLE),
        ((12, 12, 96, 64), "float32", 50, Form.SHORT),
        ((12, 12, 96, 64), "float32", 100, Form.EXACT),
        ((12, 12, 256, 64), "float32", 50, Form.SHORT),
        ((12, 12, 512, 64), "float32", 50, Form.SHORT),
        ((12, 12, 512, 64), "float16", 50, Form.EXACT),
        ((12, 12, 512, 64), "float32", 30, None),
        ((1, 4, 2048, 64), "float32", 50, Form.EXACT),
    ],
)
def test_the_most_exact_form_that_has_room(shape, dtype, megabytes, form):
    selected_layers = selected_of(*shape, dtype)
    assert best_form(selected_layers, Limits(megabytes=megabytes)) is form


def test_each_form_takes_less_than_the_one_before():
    selected_layers = select(random_trace(2, 2, 60, 16, "float64")).layers
    sizes = [packed_size(selected_layers, form) for form in (Form.EXACT, Form.SINGLE, Form.SHORT)]
    assert sizes == sorted(sizes, reverse=True)
    assert smallest_form(selected_layers) is Form.SHORT


def test_numbers_beyond_single_precision_stay_as_they_are():
    assert single(numpy.array([1e300, 1.0])).dtype == numpy.float64
    assert single(numpy.array([0.1])).dtype == numpy.float32


def test_numbers_beyond_single_precision_are_not_cut():
    layer = Layer(*(numpy.full((1, 2, 3), value) for value in (1e45, 1e-45, 1.0)))
    [selected] = select(Trace(("a", "b"), (layer,))).layers
    assert best_form([selected], Limits(exact_part=0)) is Form.EXACT
    assert smallest_form([selected]) is Form.EXACT
    assert pack_part(Part(selected, Form.WEIGHTS)).error < 1e-3


@pytest.mark.parametrize("rule", [{}, {"causal": True}])
def test_weights_that_seem_too_many_are_looked_at(rule):
    """Of heads that look at few keys, compression leaves a fraction."""
    flat, sharp = (random_trace(1, 4, 200, 16, **rule) for _ in range(2))
    for layer in sharp.layers:
        layer.query[:] *= 20
    for trace in (flat, sharp):
        selected_layers = select(trace).layers
        [blob] = [len(text) for text in written_weights(trace)]
        looked_at = packed_size(selected_layers, Form.WEIGHTS, room=0)
        assert 0.8 * blob < looked_at < 1.3 * blob
        assert packed_size(selected_layers, Form.WEIGHTS) == round(160_000 * (0.5 if rule else 1) * 0.8 * 4 / 3)


def written_weights(trace):
    """The weights of the only layer as base64."""
    blobs = Blobs()
    blobs.add(pack_part(Part(select(trace).layers[0], Form.WEIGHTS)).arrays["levels"])
    return blobs.in_base64()


def test_weights_take_a_byte_a_cell_and_what_is_carried_its_numbers():
    bare = projected_trace()
    [selected] = select(bare).layers[:1]
    [without] = select(bare.without_output_projections()).layers[:1]
    layer = selected.layer
    cells = layer.heads * layer.queries * layer.keys
    assert packed_size([without], Form.WEIGHTS) <= cells * 4 / 3 + 8
    carried = packed_size([selected], Form.EXACT) - packed_size([without], Form.EXACT)
    width = numpy.asarray(layer.value).dtype.itemsize
    assert abs(carried - layer.heads * layer.keys * max(width, 4) * 4 / 3) <= 2
    assert [form for form in Form if form.computes] == [Form.EXACT, Form.SINGLE, Form.SHORT]
