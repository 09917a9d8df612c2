"""What a page holds of each head: as much as it may be large, and the heads that stand out first."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from made_roles import made_role
from random_traces import long_trace, random_trace

from attnviz import Layer, Rule, Trace
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.page.page import to_html
from attnviz.renderers.page.parts import longest, outstanding, page_parts, parts_size
from attnviz.trace.roles import Verdict
from attnviz.trace.selection import select


def forms_of(trace: Trace, **limits: float) -> dict[Form, int]:
    """How many heads are in each form."""
    counts: dict[Form, int] = {}
    for selected, form in page_parts(select(trace).layers, Limits(**limits)):
        counts[form] = counts.get(form, 0) + len(selected.heads)
    return counts


@pytest.mark.parametrize("tokens", [96, 128, 256, 512])
def test_of_twelve_layers_of_twelve_heads_every_step_is_there(tokens):
    vectors = numpy.ones((12, tokens, 64), "float32")
    layers = tuple(Layer(*[vectors] * 3, Rule(causal=True), index=index) for index in range(12))
    assert forms_of(Trace(tuple("a" * tokens), layers)) == {Form.SHORT: 144}


def test_a_larger_page_tells_more():
    """From pooled maps to the trace's own numbers, and never less than a smaller page: first for all heads, then for some."""
    trace = random_trace(2, 8, 300, 48, causal=True)
    told = [forms_of(trace, megabytes=size, cells_of_several=60) for size in (0.45, 0.8, 1.3, 2.6, 40)]
    computed = [sum(count for form, count in forms.items() if form.computes) for forms in told]
    order = [(Form.POOLED not in forms, count) for forms, count in zip(told, computed, strict=True)]
    assert order == sorted(order)
    assert (computed[0] < 8, computed[-1], told[-1]) == (True, 16, {Form.EXACT: 16})
    assert Form.POOLED in told[0]
    assert Form.WEIGHTS in told[2]
    assert told[3] == {Form.SHORT: 16}


@pytest.mark.parametrize("megabytes", [0.5, 0.8, 1.3, 2.6])
@pytest.mark.some(2)
def test_a_page_is_no_larger_than_it_may_be_and_leaves_little_of_it(megabytes):
    trace = random_trace(2, 8, 300, 48, causal=True)
    limits = Limits(megabytes=megabytes, cells_of_several=60)
    parts = page_parts(select(trace).layers, limits)
    size = len(to_html(trace, select(trace), limits=limits))
    assert size <= limits.size
    assert size >= 0.6 * limits.size
    assert parts_size(parts, limits, limits.room) <= limits.room


def test_every_head_is_there_once():
    trace = random_trace(3, 5, 200, 32, causal=True)
    parts = page_parts(select(trace, head=["4", "1", "0"]).layers, Limits(megabytes=0.6))
    assert {part.form for part in parts} == {Form.SHORT, Form.WEIGHTS}
    for layer in trace.layers:
        own = [head for part in parts if part.selected.layer is layer for head in part.selected.heads]
        assert sorted(own) == [0, 1, 4]


def test_heads_that_look_at_one_token_stand_out():
    draw = numpy.random.default_rng(0)
    query, key, value = (draw.standard_normal((6, 40, 8)) for _ in range(3))
    query[4] *= 9
    query[2] *= 5
    trace = Trace(tuple(map(str, range(40))), (Layer(query, key, value, Rule(causal=True), index=3),))
    assert outstanding(select(trace).layers)[:2] == [(0, 4), (0, 2)]
    worn = (made_role(layer=3, head=1), made_role(layer=3, head=0, verdict=Verdict.NONE))
    assert outstanding(select(trace).layers, worn)[:3] == [(0, 1), (0, 4), (0, 2)]


def test_a_head_that_rests_on_the_first_token_does_not_stand_out():
    draw = numpy.random.default_rng(0)
    query, key, value = (draw.standard_normal((2, 40, 8)) for _ in range(3))
    query[0, :, 0], key[0, 0] = 30, [9] + [0] * 7
    trace = Trace(tuple(map(str, range(40))), (Layer(query, key, value, Rule(causal=True)),))
    assert trace.layers[0].steps(0).weights[5:, 0].min() > 0.9
    assert outstanding(select(trace).layers)[0] == (0, 1)


def test_what_a_browser_cannot_compute_is_pooled():
    whole = long_trace(300)
    assert longest(select(whole).layers) == 300
    assert {part.form for part in page_parts(select(whole).layers, Limits(tokens=299))} == {Form.POOLED}
    assert {part.form for part in page_parts(select(whole, query="0:9").layers)} == {Form.POOLED}


def test_what_a_page_took_too_much_is_left_out():
    trace = random_trace(2, 8, 300, 48, causal=True)
    layers, limits = select(trace).layers, Limits(megabytes=1.3)
    before, after = page_parts(layers, limits), page_parts(layers, limits, beyond=100_000)
    assert parts_size(after, limits, limits.room) <= limits.room - 100_000
    assert parts_size(before, limits, limits.room) > limits.room - 100_000


def test_numbers_beyond_single_precision_stay_as_they_are():
    trace = random_trace(2, 8, 300, 48, "float64", causal=True)
    huge = tuple(replace(layer, value=layer.value * 1e60) for layer in trace.layers)
    parts = page_parts(select(replace(trace, layers=huge)).layers, Limits(megabytes=3))
    assert {part.form for part in parts} == {Form.EXACT, Form.WEIGHTS}
