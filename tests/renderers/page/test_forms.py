"""Which numbers a page takes: the most exact that are easy to open, and never some that would be cut."""

from __future__ import annotations

import numpy
import pytest
from random_traces import random_trace

from attnviz import Layer, Trace
from attnviz.renderers.page.forms import Form, best_form, packed_size, smallest_form
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.page.packing import Part, pack_part
from attnviz.trace.selection import select


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
    selected_layers = select(random_trace(*shape, dtype)).layers
    assert best_form(selected_layers, Limits(megabytes=megabytes)) is form


def test_each_form_takes_less_than_the_one_before():
    selected_layers = select(random_trace(2, 2, 60, 16, "float64")).layers
    sizes = [packed_size(selected_layers, form) for form in (Form.EXACT, Form.SINGLE, Form.SHORT)]
    assert sizes == sorted(sizes, reverse=True)
    assert smallest_form(selected_layers) is Form.SHORT


def test_numbers_beyond_single_precision_are_not_cut():
    layer = Layer(*(numpy.full((1, 2, 3), value) for value in (1e45, 1e-45, 1.0)))
    [selected] = select(Trace(("a", "b"), (layer,))).layers
    assert best_form([selected], Limits(exact_part=0)) is Form.EXACT
    assert smallest_form([selected]) is Form.EXACT
    assert pack_part(Part(selected, Form.WEIGHTS)).error < 1e-3
