"""What a page multiplies weights with to have contributions, against vectors that are written out."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from random_traces import long_trace, projected_trace

from attnviz import Layer, Rule, Trace, attend, trace_text
from attnviz.choices import OUTPUT
from attnviz.renderers.page.carried import carried_arrays, carried_facts, with_carried
from attnviz.renderers.page.digits import errors
from attnviz.renderers.page.forms import Form, packed_size
from attnviz.renderers.page.packing import Part, pack_part
from attnviz.renderers.page.selected import kv_indices, selected_vectors
from attnviz.renderers.page.short import shortened
from attnviz.trace.along import along
from attnviz.trace.direction import Direction
from attnviz.trace.selection import select
from tests.support.contributions import norms, vectors, with_output

WIDTH = 7
DRAW = numpy.random.default_rng(8)
VECTOR, ROWS, DIVISORS = DRAW.standard_normal(WIDTH), DRAW.standard_normal((5, WIDTH)), DRAW.uniform(1, 4, 5)
DIRECTIONS = {
    "length": lambda layer: layer,
    "token": lambda layer: replace(layer, toward=Direction(" cat", VECTOR, DIVISORS)),
    "one for all": lambda layer: replace(layer, toward=Direction("cat", VECTOR)),
    "one for each": lambda layer: replace(layer, toward=Direction("cat", ROWS, DIVISORS)),
    "output": lambda layer: along(Trace(tuple("abcde"), (layer,)), OUTPUT).layers[0],
}


def expected(layer: Layer) -> numpy.ndarray:
    """Contributions of every head as the papers define them, (heads, queries, keys)."""
    if layer.toward is None:
        return norms(layer)
    rows = numpy.broadcast_to(layer.toward.vector, (layer.queries, WIDTH))
    if layer.toward.divisors is not None:
        rows = rows / numpy.asarray(layer.toward.divisors)[:, None]
    return numpy.einsum("hqkd,qd->hqk", vectors(layer).numpy(), rows)


def multiplied(read: dict[str, numpy.ndarray], weights: numpy.ndarray, value: numpy.ndarray) -> numpy.ndarray:
    """What the script makes of what it ``read``s."""
    if "pulled" in read:
        return weights * numpy.einsum("hqd,hkd->hqk", read["pulled"], value)
    return weights * (read["factors"][:, None, :] / read.get("divisors", numpy.ones(1))[None, :, None])


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("heads", [["0", "1", "2", "3"], ["3", "0"]])
@pytest.mark.parametrize(("form", "close"), [(Form.EXACT, 1e-12), (Form.SINGLE, 1e-6), (Form.SHORT, 1e-3)])
def test_weights_times_what_is_held_are_contributions(direction, heads, form, close):
    layer = DIRECTIONS[direction](replace(projected_trace().layers[0], rule=Rule(causal=True)))
    [selected] = select(Trace(tuple("abcde"), (layer,)), head=heads).layers
    held, read = carried_arrays(selected, form)
    chosen = list(map(int, heads))
    value = numpy.asarray(layer.value)[[layer.kv_head(head) for head in chosen]]
    found = multiplied(read, numpy.asarray(layer.steps().weights)[chosen], value)
    own = expected(layer)[chosen]
    numpy.testing.assert_allclose(found, own, atol=close * abs(own).max())
    assert held.keys() == {
        "length": {"factors"},
        "token": {"factors", "divisors"},
        "one for all": {"factors"},
    }.get(direction, {"pulled", "pulledEnds"} if form is Form.SHORT else {"pulled"})
    if form is not Form.EXACT:
        assert held.get("factors", numpy.float32(0)).dtype == numpy.float32


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_no_contribution_is_off_by_more_than_is_said(direction):
    layer = DIRECTIONS[direction](projected_trace().layers[0])
    [selected] = select(Trace(tuple("abcde"), (layer,)), head=["3", "0"]).layers
    rounded = {name: shortened(array).numbers for name, array in selected_vectors(selected).items()}
    _, read = carried_arrays(selected, Form.SHORT)
    said = with_carried(errors(selected, rounded), selected, rounded, read, cells=3)
    query, key, value = rounded["query"], *(rounded[name][kv_indices(selected)] for name in ("key", "value"))
    ours = multiplied(
        read, attend(*(one.astype(float) for one in (query, key, value)), scale=layer.scale).weights, value
    )
    off = abs(ours - expected(layer)[[3, 0]]).max()
    assert 0 < off <= said.contribution <= 50 * off
    assert (said.carried > 1e-5) == (direction in ("one for each", "output"))


def test_of_a_value_that_is_put_out_as_it_is_the_length_is_its_own():
    layer = trace_text("a b c").layers[0]
    [selected] = select(Trace(tuple("abc"), (layer,))).layers
    held, _ = carried_arrays(selected, Form.EXACT)
    numpy.testing.assert_allclose(held["factors"], numpy.linalg.norm(layer.value, axis=-1), rtol=1e-12)
    assert carried_facts(selected) == {"toward": None, "unprojected": True}


def test_nothing_is_held_where_w_o_is_not_known():
    [selected] = select(long_trace(5)).layers
    assert carried_arrays(selected, Form.SHORT) == ({}, {})
    assert carried_facts(selected) == {}
    assert not {"factors", "pulled"} & pack_part(Part(selected, Form.SHORT)).arrays.keys()
    found = errors(selected, {name: array.astype("float32") for name, array in selected_vectors(selected).items()})
    assert with_carried(found, selected, {}, {}) is found


def test_a_page_says_of_its_layers_along_what_they_are():
    [selected] = select(Trace(tuple("abcde"), (DIRECTIONS["token"](projected_trace().layers[0]),))).layers
    assert carried_facts(selected) == {"toward": "·cat", "unprojected": False}


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("form", [Form.EXACT, Form.SINGLE, Form.SHORT])
def test_their_size_is_told_and_lengths_take_little(direction, form):
    layer = with_output(Layer(*DRAW.standard_normal((3, 4, 5, 16)), Rule()), WIDTH)
    [bare] = select(Trace(tuple("abcde"), (replace(layer, projections={}),))).layers
    [selected] = select(Trace(tuple("abcde"), (DIRECTIONS[direction](layer),))).layers
    told = (packed_size([selected], form) - packed_size([bare], form)) * 3 / 4
    held = sum(
        array.nbytes for name, array in carried_arrays(selected, form)[0].items() if name in ("factors", "pulled")
    )
    assert told == pytest.approx(held, abs=2)
    if direction == "length":
        assert packed_size([selected], form) <= packed_size([bare], form) * 1.07
