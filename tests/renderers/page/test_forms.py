"""Which numbers a page takes: the most exact that are easy to open, and never some that would be cut."""

from __future__ import annotations

import numpy
import pytest
from random_traces import random_trace

from attnviz import Layer, Trace
from attnviz.renderers.page.forms import Form, forms, packed_size
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.page.packing import pack_layer
from attnviz.trace.selection import select


@pytest.mark.parametrize(
    ("shape", "dtype", "form"),
    [
        ((2, 2, 10, 8), "float64", Form.EXACT),
        ((4, 12, 100, 64), "float64", Form.SINGLE),
        ((12, 12, 64, 64), "float32", Form.HALF),
        ((12, 12, 256, 64), "float32", Form.WEIGHTS),
        ((1, 4, 2048, 64), "float32", Form.HALF),
    ],
)
def test_the_most_exact_form_that_is_easy_to_open(shape, dtype, form):
    selected_layers = select(random_trace(*shape, dtype)).layers
    assert forms(selected_layers)[0] is form
    assert (
        packed_size(selected_layers, Form.EXACT)
        >= packed_size(selected_layers, Form.SINGLE)
        > packed_size(selected_layers, Form.HALF)
    )


def test_numbers_beyond_half_precision_are_not_cut():
    [selected] = select(random_trace(1, 1, 4, 4)).layers
    selected.layer.query[0, 0, 0] = 1e5
    huge = selected._replace(heads=(0,) * 200_000)
    assert forms([huge]) == [Form.WEIGHTS]


def test_numbers_beyond_single_precision_are_not_cut():
    layer = Layer(*(numpy.full((1, 2, 3), value) for value in (1e45, 1e-45, 1.0)))
    [selected] = select(Trace(("a", "b"), (layer,))).layers
    assert Form.SINGLE not in forms([selected], Limits(megabytes=0))
    assert pack_layer(selected, Form.WEIGHTS).error < 1e-3
