"""A page of weights alone: in which form it holds them, and beside layers that are computed."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
import torch

from attnviz import Layer, Trace, trace_text
from attnviz.renderers.page.blobs import Blobs
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.page.packing import Part, pack_part
from attnviz.renderers.page.page import to_html
from attnviz.renderers.page.parts import page_parts
from attnviz.renderers.page.record import make_record
from attnviz.renderers.page.size import what_is_missing
from attnviz.trace.selection import select
from tests.support.weights_alone import alone

TEXT = "one step and one more step"


def long_trace(tokens=400, heads=3):
    given = numpy.random.default_rng(0).dirichlet(numpy.ones(tokens), (heads, tokens)).astype(numpy.float32)
    return Trace([f"w{place}" for place in range(tokens)], (Layer(weights=given),))


def forms(trace, limits=Limits()):  # noqa: B008  (immutable)
    return [part.form for part in page_parts(select(trace).layers, limits)]


def test_few_weights_are_held_as_they_are_many_in_8_bits_more_in_cells():
    trace = long_trace()
    assert forms(trace) == [Form.GIVEN]
    assert forms(trace, Limits(megabytes=3.0)) == [Form.WEIGHTS]
    assert forms(trace, Limits(megabytes=0.8, cells_of_several=64)) == [Form.POOLED]


def test_layers_of_both_kinds_stand_in_their_order():
    whole = trace_text(TEXT, heads=2)
    other = replace(alone(whole).layers[0], index=1)
    trace = replace(whole, layers=(whole.layers[0], other, replace(whole.layers[0], index=2)))
    parts = page_parts(select(trace).layers)
    assert [(part.selected.layer.index, part.form) for part in parts] == [
        (0, Form.EXACT),
        (1, Form.GIVEN),
        (2, Form.EXACT),
    ]
    assert "<html" in to_html(trace, select(trace))


@pytest.mark.parametrize("held", [numpy.float16, numpy.float32, numpy.float64, torch.bfloat16])
def test_the_page_holds_the_very_numbers_and_what_is_hidden(held):
    trace = alone(trace_text(TEXT, heads=2, causal=True))
    layer = trace.layers[0]
    own = torch.from_numpy(layer.weights).to(held) if isinstance(held, torch.dtype) else layer.weights.astype(held)
    trace = replace(trace, layers=(replace(layer, weights=own),))
    [part] = page_parts(select(trace, head=["1"]).layers)
    packed = pack_part(part)
    wanted = torch.as_tensor(own).float().numpy()[1] if isinstance(held, torch.dtype) else own[1]
    shown = packed.arrays["weights"][0]
    assert (numpy.isnan(shown) == ~numpy.tri(6, dtype=bool)).all()
    numpy.testing.assert_array_equal(numpy.nan_to_num(shown), wanted)
    assert packed.error == 0


def test_the_record_says_that_they_are_alone():
    trace = alone(trace_text(TEXT, heads=2, causal=True))
    parts = page_parts(select(trace).layers)
    packed = [pack_part(part) for part in parts]
    from attnviz.choices import Language

    record = make_record(trace, parts, packed, Language.EN, Blobs())
    [layer] = record["layers"]
    assert (layer["alone"], layer["form"], layer["heads"]) == (True, "given", [0, 1])
    assert layer["metrics"]["entropy"][0] is not None


def test_what_does_not_fit_is_told_of_the_weights():
    trace = long_trace()
    limits = Limits(megabytes=3.0)
    [selected] = select(trace).layers
    assert what_is_missing([Part(selected, Form.GIVEN)], limits) == ""
    assert what_is_missing([Part(selected, Form.WEIGHTS)], limits).startswith(
        "the weights do not fit into 3 MB as they are: every weight has 8 bits"
    )
    assert "<html" in to_html(trace, select(trace), limits=limits)
    assert "<html" in to_html(trace, select(trace), limits=Limits(megabytes=0.8, cells_of_several=64))
