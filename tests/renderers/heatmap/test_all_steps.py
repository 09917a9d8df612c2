"""All steps of one head: the maps are attend()'s, and what stands between them is the rule."""

from __future__ import annotations

import math

import numpy
import pytest

from attnviz import Layer, Rule, Trace, attend, trace_text
from attnviz.choices import Language, MapStep, Pool
from attnviz.renderers.heatmap.all_steps import STEPS, decide_steps
from attnviz.renderers.heatmap.picture import View
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select


def chain_of(trace, view=View(), **choice):  # noqa: B008
    return decide_steps(trace, select(trace, **choice).as_region().layers[0]._replace(heads=(0,)), None, view)


def between(trace):
    return [(one.above, one.below) for one in chain_of(trace).between]


def test_the_maps_are_what_attend_computes():
    trace = trace_text("Your journey starts with one step", heads=2, causal=True)
    layer = trace.layers[0]
    steps = attend(layer.query, layer.key, layer.value, causal=True)
    chain = chain_of(trace)
    for step, picture in zip(STEPS, chain.maps, strict=False):
        values, hidden = getattr(steps, step.value)[0], steps.hidden[0]
        hides = step in (MapStep.MASKED, MapStep.WEIGHTS)
        assert numpy.allclose(picture.panels[0].values, numpy.where(hidden & hides, -math.inf, values))
    assert numpy.allclose(chain.maps[-1].panels[0].values, steps.output[0])
    assert chain.maps[-1].keys == tuple(map(str, range(4)))
    assert [one.scale.diverging for one in chain.maps] == [True, True, True, False, True]


def test_what_leads_from_step_to_step_is_the_rule():
    text = "Your journey starts"
    assert between(trace_text(text, causal=True)) == [
        ("÷ √d_k", "d_k = 3"), ("−∞", "hidden"), ("softmax", "by row"), ("× V", "")
    ]  # fmt: skip
    assert between(trace_text(text, scale=0.3, softcap=2.0))[:2] == [("× 0.3", "softcap 2"), ("=", "unchanged")]
    assert between(trace_text(text, heads=2, position="alibi"))[1] == ("+ bias", "")
    array = numpy.ones((1, 2, 2))
    sink = Trace(("a", "b"), (Layer(array, array, array, Rule(sinks=numpy.ones(1))),))
    assert between(sink)[2] == ("softmax", "with a sink")


def test_the_words_are_the_readers():
    trace = trace_text("Your journey starts", heads=2, causal=True)
    chain = chain_of(trace, View(words=lessons(Language.VI)))
    assert chain.title == "Các bước của attention, lớp 0, đầu 0"
    assert [one.title for one in chain.maps] == ["Điểm số Q Kᵀ", "Đã điều chỉnh tỉ lệ", "Đã che", "Trọng số", "Đầu ra"]


@pytest.mark.parametrize("pool", Pool)
def test_of_a_long_text_each_row_of_the_output_stands_for_many(pool):
    trace = trace_text(" ".join(map(str, range(450))), causal=True)
    chain = chain_of(trace, View(pool))
    output = numpy.asarray(trace.layers[0].steps().output)[0]
    values = chain.maps[-1].panels[0].values
    assert values.shape == (150, 3)
    some = output[:3]
    expected = some.mean(axis=0) if pool is Pool.MEAN else some[abs(some).argmax(axis=0), range(3)]
    assert numpy.allclose(values[0], expected)
    assert "150 × 150 cells of 3 × 3 tokens" in chain.title


def test_a_region_and_what_is_left_out_are_left_out_of_the_output():
    trace = trace_text("a b c d")
    chain = chain_of(trace, query="1:3", key="0:2")
    assert numpy.allclose(chain.maps[-1].panels[0].values, numpy.asarray(trace.layers[0].steps().output)[0, 1:3])
    assert "queries 1–2, keys 0–1" in chain.title
    special = Trace(trace.tokens, trace.layers, {"kind": "model", "ids": [1, 2, 3, 4], "special": [0]})
    assert len(chain_of(special, skip_special=True).maps[-1].panels[0].values) == 3


def test_many_dimensions_are_named_by_some():
    array = numpy.random.default_rng(0).normal(size=(1, 3, 64))
    named = chain_of(Trace(("a", "b", "c"), (Layer(array, array, array),))).maps[-1].keys
    assert len(named) == 64
    assert 2 < sum(map(bool, named)) <= 8
