"""What is said of attention that is followed: by what, through which layers, of which heads, and what is left out."""

import pytest
from followed_traces import layered

from attnviz.analysis.across.following import Following, shares
from attnviz.choices import Across, HeadsAs
from attnviz.renderers.across.wording import how, notes
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select


def told(tell, following=None, rule="plain", **chosen):
    trace = layered(3, 4, rule)
    return tell(shares(trace, select(trace, **chosen).as_region(), following or Following()), lessons())


@pytest.mark.parametrize(
    ("chosen", "layers", "heads"),
    [
        ({}, "layers 2 to 0", "mean of 4 heads"),
        ({"layer": ["1"], "head": ["0-1"]}, "layer 1", "mean of 2 heads"),
        ({"layer": ["0-1"], "head": ["3"]}, "layers 1 to 0", "one head"),
    ],
)
def test_the_title_says_how(chosen, layers, heads):
    assert told(how, **chosen) == ["Attention rollout", layers, heads, "residual 0.5"]


def test_what_stands_for_the_heads_is_said():
    following = Following(Across.FLOW, HeadsAs.CONTRIBUTION, 0.0)
    assert told(how, following) == [
        "Attention flow",
        "layers 2 to 0",
        "4 heads by what they bring to the output",
        "residual 0",
    ]


def test_nothing_is_noted_where_nothing_is_left_out():
    assert told(notes) == []


def test_sinks_errors_and_other_tokens_are_noted():
    sinks, error, others = told(notes, Following(Across.FLOW), "sinks", key="0:2")
    assert sinks == "without what sinks take"
    assert error.startswith("flows exact to ")
    assert others.startswith("other tokens, not shown: ")
