"""Pictures of weights alone."""

from __future__ import annotations

import numpy
import pytest

from attnviz import AttnvizError, trace_text
from attnviz.choices import DrawnStep, Language
from attnviz.renderers.heatmap.decided import decided
from attnviz.renderers.heatmap.picture import View, decide
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select
from tests.support.weights_alone import TEXT, alone, with_a_sink

LANGUAGES = pytest.mark.parametrize("lang", ["en", "vi"])


@pytest.fixture(scope="module")
def whole():
    return trace_text(TEXT, heads=2, causal=True)


@pytest.fixture(scope="module")
def weights(whole):
    return alone(whole)


@LANGUAGES
def test_rows_that_do_not_add_up_are_told(lang):
    trace, words = with_a_sink(rows=(1, 5)), lessons(Language(lang))
    share = words.say(
        "picture.row_sums", off="2", rows="12", sum="0.5", head=1, place=1, layer=words.say("picture.layer", layer=3)
    )
    assert share in decide(trace, select(trace), view=View(words=words)).subtitle


def test_rows_that_add_up_are_not(weights):
    assert "add up" not in decide(weights, select(weights)).subtitle


def test_a_picture_is_that_of_the_whole_layer(whole, weights):
    ours, theirs = (decide(one, select(one)) for one in (weights, whole))
    assert ours.title == theirs.title
    for left, right in zip(ours.panels, theirs.panels, strict=True):
        numpy.testing.assert_array_equal(left.values, right.values)


@pytest.mark.parametrize("step", [DrawnStep.SCORES, DrawnStep.ALL])
def test_a_picture_of_another_step_says_what_is_missing(weights, step):
    with pytest.raises(AttnvizError, match="cannot be shown: only the weights of this layer are known"):
        decided(weights, select(weights, head=["0"]), step, None, None, View(), named=True)
