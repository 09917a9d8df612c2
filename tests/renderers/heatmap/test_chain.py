from __future__ import annotations

import pytest

from attnviz import AttnvizError, trace_text
from attnviz.renderers.heatmap.all_steps import decide_steps
from attnviz.renderers.heatmap.chain import one_head
from attnviz.renderers.heatmap.picture import View
from attnviz.trace.selection import select

TRACE = trace_text("Your journey starts", heads=3)


def test_the_first_head_is_drawn_or_the_one_that_is_named():
    assert one_head(select(TRACE), False, "--step all").heads == (0,)
    assert one_head(select(TRACE, head=["2"]), True, "--step all").heads == (2,)
    with pytest.raises(AttnvizError, match="--step all draws one head, and 2 are chosen") as error:
        one_head(select(TRACE, head=["0,2"]), True, "--step all")
    assert "--head N" in error.value.hint


def test_a_title_of_ones_own_stands_in_place_of_the_usual_one():
    selected = one_head(select(TRACE, query="0:2"), False, "")
    usual, own = (decide_steps(TRACE, selected, title, View(width=100.0)) for title in (None, "Mine"))
    assert usual.title == "The steps of attention, layer 0, head 0, queries 0–1, keys 0–2"
    assert (own.title, own.subtitle) == ("Mine", "“Your journey …” · queries 0–1 · keys 0–2")
    assert own.width == pytest.approx(100 / 25.4)
    assert {"Mine", "score", "softmax", "journey"} <= set(own.texts)
    assert len(own.panels) == 5
