"""The weights with and without a part of the rule, and their difference."""

from __future__ import annotations

import math

import numpy
import pytest

from attnviz import attend, trace_text
from attnviz.choices import Comparison, Language
from attnviz.renderers.heatmap.comparison import decide_comparison
from attnviz.renderers.heatmap.picture import View
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select

TEXT = "the cat sat on the mat"


def compared(comparison, view=View(), **toy):  # noqa: B008
    trace = trace_text(TEXT, **toy)
    return decide_comparison(trace, select(trace).layers[0], comparison, None, view)


def test_the_difference_is_what_one_has_more_than_the_other():
    chain = compared(Comparison.CAUSAL)
    [layer] = trace_text(TEXT).layers
    having, lacking = (
        numpy.asarray(attend(layer.query, layer.key, layer.value, causal=one).weights)[0] for one in (True, False)
    )
    maps = [one.panels[0].values for one in chain.maps]
    assert numpy.allclose(numpy.where(maps[0] > -math.inf, maps[0], 0), having)
    assert numpy.allclose(maps[1], lacking)
    assert numpy.allclose(maps[2], having - lacking)
    assert [one.hidden for one in chain.maps] == [True, False, False]


def test_two_maps_share_a_scale_and_the_difference_has_one_around_zero():
    first, second, third = (one.scale for one in compared(Comparison.SCALE).maps)
    assert first == second
    assert third.diverging
    assert third.low == -third.high < 0
    ended = compared(Comparison.SCALE, View(ends=(0.0, 0.5)))
    assert [one.scale.high for one in ended.maps[:2]] == [0.5, 0.5]


def test_what_both_hide_stays_hidden():
    chain = compared(Comparison.SCALE, causal=True)
    assert [one.hidden for one in chain.maps] == [True, True, True]


@pytest.mark.parametrize(
    ("comparison", "toy", "titles"),
    [
        (Comparison.CAUSAL, {}, ["With the causal rule", "Without it", "Difference"]),
        (Comparison.SCALE, {}, ["Scaled: ÷ √3", "Not scaled", "Difference"]),
        (Comparison.SCALE, {"scale": 0.5}, ["Scaled: × 0.5", "Not scaled", "Difference"]),
        (
            Comparison.POSITION,
            {"position": "sinusoidal"},
            ["With positions: sinusoidal", "Without positions", "Difference"],
        ),
    ],
)
def test_each_map_says_what_it_is(comparison, toy, titles):
    assert [one.title for one in compared(comparison, **toy).maps] == titles


def test_the_words_are_the_readers():
    chain = compared(Comparison.CAUSAL, View(words=lessons(Language.VI)))
    assert chain.title == "Quy tắc nhân quả (causal) làm thay đổi gì"
    assert chain.maps[2].title == "Chênh lệch"


def test_what_changes_nothing_has_a_scale_all_the_same():
    trace = trace_text("a")
    chain = decide_comparison(trace, select(trace).layers[0], Comparison.CAUSAL)
    assert chain.maps[2].scale.high == 1.0
