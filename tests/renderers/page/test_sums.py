"""What a page holds of the contributions of all heads added up, against vectors that are written out."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy
import pytest
import torch
from random_traces import projected_trace, random_trace

from attnviz import Layer, Rule, Trace
from attnviz.choices import OUTPUT, MapStep
from attnviz.errors import AttnvizError
from attnviz.renderers.page import sums
from attnviz.renderers.page.blobs import Blobs
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.packing import Part, pack_part
from attnviz.renderers.page.page import to_html
from attnviz.renderers.page.sums import add_sums, sums_of, sums_size, sums_up, triangles
from attnviz.trace.along import along
from attnviz.trace.selection import select
from tests.support.contributions import summed_norms, with_output

TRACE = replace(projected_trace(), layers=(replace(projected_trace().layers[0], rule=Rule(causal=True)),))
LAYER = TRACE.layers[0]


def lengths(packed: numpy.ndarray, weights: numpy.ndarray) -> numpy.ndarray:
    """‖R α‖ as the script has it, (queries, keys), of weights (heads, queries, keys)."""
    heads = len(weights)
    whole = numpy.zeros((len(packed), heads, heads))
    whole[:, *numpy.triu_indices(heads)] = packed
    return numpy.linalg.norm(numpy.einsum("kij,jqk->kiq", whole, weights), axis=1).T


def part_of(layer: Layer = LAYER, form: Form = Form.EXACT, head: tuple[str, ...] = ()) -> Part:
    return Part(select(Trace(tuple("abcde"), (layer,)), head=head).layers[0], form)


@pytest.mark.parametrize("held", [numpy.asarray, torch.as_tensor])
@pytest.mark.parametrize("width", [2, 7])  # fewer numbers than heads, and more
def test_a_triangle_is_as_long_as_the_vectors_added_up(held, width, monkeypatch):
    monkeypatch.setattr(sums, "BLOCK", 2)
    layer = with_output(LAYER, width=width)
    expected = summed_norms(layer)
    own = replace(layer, **{name: held(getattr(layer, name)) for name in ("query", "key", "value")})
    found = triangles(part_of(own).selected)
    numpy.testing.assert_allclose(lengths(found, layer.steps().weights), expected, atol=1e-12 * expected.max())


def test_heads_in_another_order_have_their_triangle_in_that_order():
    found = triangles(part_of(head=("3,0-2",)).selected)
    weights = LAYER.steps().weights[[3, 0, 1, 2]]
    numpy.testing.assert_allclose(lengths(found, weights), summed_norms(LAYER), rtol=1e-11)


def test_heads_that_cancel_out_leave_nothing_even_in_single_precision():
    """Of squares in single precision a ten thousandth would be left."""
    twins = replace(
        LAYER,
        **{name: getattr(LAYER, name)[[0, 0]] for name in ("query", "key", "value")},
        projections={"output": replace(LAYER.projections["output"], weight=opposite())},
    )
    packed = pack_part(part_of(twins, Form.SHORT))
    found = sums_of(part_of(twins, Form.SHORT), packed, MapStep.SUMMED)
    assert found.triangles.dtype == numpy.float32
    largest = lengths(found.triangles, twins.steps().weights * [[[1]], [[0]]]).max()
    assert lengths(found.triangles, twins.steps().weights).max() < 1e-6 * largest


def opposite() -> numpy.ndarray:
    weight = LAYER.projections["output"].weight
    width = LAYER.value.shape[-1]
    return numpy.concatenate([weight[:width], -weight[:width]])


@pytest.mark.parametrize("toward", [None, OUTPUT])
def test_what_is_rounded_is_off_by_no_more_than_is_said(toward):
    trace = along(TRACE, toward)
    part = part_of(trace.layers[0], Form.SHORT)
    packed = pack_part(part)
    found = sums_of(part, packed, MapStep.SUMMED)
    assert 0 < found.error < 1e-2
    if toward is None:
        read = {name: packed.arrays[name] for name in ("query", "key", "value")}
        ends = {name: packed.arrays[f"{name}Ends"] for name in read}
        rounded = {name: ends[name][0][:, None] + read[name] * ends[name][1][:, None] for name in read}
        weights = replace(LAYER, **rounded).steps().weights
        off = numpy.abs(lengths(found.triangles, weights) - summed_norms(LAYER)).max()
        assert 0 < off <= found.error
    else:
        assert found.triangles is None
        assert found.error == 4 * packed.errors.contribution


@pytest.mark.parametrize(
    ("part", "step", "there"),
    [
        (part_of(), MapStep.SUMMED, True),
        (part_of(), None, False),
        (part_of(along(TRACE, OUTPUT).layers[0]), None, True),
        (part_of(head=("0",)), MapStep.SUMMED, False),
        (part_of(form=Form.WEIGHTS), MapStep.SUMMED, False),
        (Part(select(random_trace(1, 2, 4, 3)).layers[0], Form.EXACT), MapStep.SUMMED, False),
    ],
)
def test_it_is_there_where_all_heads_are_and_it_is_asked_for(part, step, there):
    assert sums_up(part, step) == there
    assert (sums_of(part, pack_part(part), step) is not None) == there
    record, blobs = {"layers": [{}]}, Blobs()
    taken = add_sums(record, [part], [pack_part(part)], blobs, step)
    assert record["layers"][0].get("sums", False) == there
    assert (
        taken == sums_size([part.selected], step) * there or part.form is Form.WEIGHTS or len(part.selected.heads) == 1
    )


def test_a_page_of_exact_numbers_has_them_exactly_and_one_without_them_is_not_larger():
    whole, without = (to_html(TRACE, select(TRACE), step=step) for step in (MapStep.SUMMED, MapStep.CONTRIBUTION))
    held, lacks = (json.loads(re.search(r'id="record">(.*?)</script>', page)[1]) for page in (whole, without))
    assert held["layers"][0]["triangles"]["shape"] == [5, 10]
    assert held["layers"][0]["triangles"]["type"] == "float64"
    assert not {"sums", "triangles"} & lacks["layers"][0].keys()
    assert len(whole) - len(without) < sums_size(select(TRACE).layers, MapStep.SUMMED) + 200


def test_some_heads_and_numbers_that_are_too_large_are_refused():
    with pytest.raises(
        AttnvizError, match="--step summed is of all heads of a layer together, and --head chooses some"
    ):
        TRACE.to_html(step="summed", head=1)
    huge = replace(LAYER, value=LAYER.value / abs(LAYER.value).max() * 1.7e308)
    with pytest.raises(AttnvizError, match="not finite"):
        triangles(part_of(huge).selected)
