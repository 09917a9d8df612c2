"""The picture: its title says all, its sides are queries or layers, and it is pooled like any other."""

from dataclasses import replace

import numpy
import pytest
from followed_traces import layered
from random_traces import random_trace

from attnviz.analysis.across.following import Following, followed
from attnviz.choices import Across, HeadsAs
from attnviz.renderers.across.picture import decide_across
from attnviz.renderers.heatmap.figure import draw
from attnviz.renderers.heatmap.picture import View
from attnviz.renderers.heatmap.terminal import TerminalMap
from attnviz.renderers.shared.plain import plain
from attnviz.trace.selection import select


def decided(trace, following=None, title=None, view=None, **chosen):
    selection = select(trace, **chosen).as_region()
    return decide_across(trace, selection, following or Following(), title, view or View())


def test_of_all_queries_it_is_a_map_of_tokens():
    trace = layered(3, 5, "causal")
    picture = decided(trace)
    assert picture.title == "Attention rollout, layers 2 to 0, mean of 4 heads, residual 0.5"
    assert picture.subtitle == "“w0 w1 w2 w3 w4”"
    assert picture.queries == picture.keys == ("w0", "w1", "w2", "w3", "w4")
    assert (picture.axes, picture.blank, picture.hidden) == (("query", "key"), "out of reach", True)
    assert (picture.panels[0].values == followed(trace, select(trace), Following(), 9).values).all()


def test_of_one_query_it_goes_down_layer_by_layer():
    picture = decided(layered(3, 5, "causal"), query="w3")
    assert picture.title.endswith(", query “w3” (3)")
    assert picture.subtitle == "“w0 w1 w2 w3 w4”"
    assert picture.queries == ("2", "1", "0")
    assert picture.axes == ("down to layer", "key")
    assert picture.shows_positions == (False, False)


def test_keys_that_are_chosen_are_said():
    picture = decided(layered(2, 6), query="w3", key="1:4")
    assert picture.title.endswith("query “w3” (3), keys 1–3")
    assert picture.keys == ("w1", "w2", "w3")
    assert decided(layered(2, 6), query="1:3").title.endswith("queries 1–2, keys 0–5")


@pytest.mark.parametrize(
    ("heads_as", "head", "said"),
    [
        (HeadsAs.MEAN, [], "mean of 4 heads"),
        (HeadsAs.MAX, [], "largest of 4 heads"),
        (HeadsAs.CONTRIBUTION, ["0-2"], "3 heads by what they bring to the output"),
        (HeadsAs.MAX, ["1"], "one head"),
    ],
)
def test_the_title_says_what_stands_for_the_heads(heads_as, head, said):
    title = decided(layered(1, 5), Following(heads_as=heads_as, residual=0.25), head=head).title
    assert title == f"Attention rollout, layer 0, {said}, residual 0.25"


def test_a_title_of_a_person_leaves_the_usual_one_below():
    picture = decided(layered(1, 3), title="Mine")
    assert picture.title == "Mine"
    assert picture.subtitle == "“w0 w1 w2” · Attention rollout, layer 0, mean of 4 heads, residual 0.5"


def test_the_line_below_says_how_exact_a_flow_is_and_what_is_left_out():
    trace = replace(layered(2, 5, "sinks"), source={"kind": "model", "ids": list(range(5)), "special": [0]})
    picture = decided(trace, Following(Across.FLOW), skip_special=True)
    assert picture.title.startswith("Attention flow, ")
    assert "without what sinks take · flows exact to" in picture.subtitle
    assert "other tokens, not shown: " in picture.subtitle
    assert picture.measure == "flow"


def test_a_long_text_is_pooled_into_cells():
    picture = decided(random_trace(1, 1, 50, 2), view=View(dpi=20, width=20.0))
    assert picture.pooled
    assert picture.title.endswith("cells of 17 × 17 tokens, mean")
    one = decided(random_trace(1, 1, 50, 2), view=View(dpi=20, width=20.0), query="3")
    assert one.cell == (1, 17)
    assert one.title.endswith("query “w3” (3), 3 cells of 17 tokens, mean")
    assert one.queries == ("0",)


def test_in_a_terminal_one_query_of_a_long_text_keeps_its_layers_as_rows():
    trace = random_trace(3, 1, 100, 2)
    lines = plain(TerminalMap(decided(trace, view=View(cells=40), query="3"))).splitlines()
    assert [line.split()[0] for line in lines[4:10:2]] == ["2", "1", "0"]


@pytest.mark.parametrize("query", [None, "3"])
def test_it_can_be_drawn(query):
    figure, _ = draw(decided(layered(2, 5, "causal"), query=query))
    assert figure.get_figwidth() > 1


def test_the_ends_of_the_scale_can_be_chosen():
    assert decided(layered(1, 3), view=View(ends=(0.0, 0.5))).scale.high == 0.5
    assert numpy.isclose(decided(layered(1, 3), view=View(width=80.0)).width, 80 / 25.4)
