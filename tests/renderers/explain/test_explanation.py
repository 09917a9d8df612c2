"""What Python gets of an explanation: the same text, the same colours, Markdown in a notebook."""

from __future__ import annotations

import re

from attnviz.renderers.explain.explanation import Explanation
from attnviz.renderers.explain.markdown import to_markdown
from attnviz.renderers.explain.tables import to_renderable
from tests.support.explained import say


def test_printing_it_shows_every_part_unfolded(told, traces, rendered):
    parts = told(traces["causal"]())
    text = str(Explanation(parts))
    assert text == "".join(f"{line}\n" for part in parts for line in rendered(to_renderable(part), 1_000_000))
    assert say("weights.what") in text.splitlines()
    assert "\x1b" not in text


def test_a_rich_console_shows_it_in_colour_and_in_its_width(told, traces, rendered):
    explanation = Explanation(told(traces["causal"]()))
    lines = rendered(explanation, 60, "truecolor")
    assert any("\x1b[" in line for line in lines)
    assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in lines) <= 60


def test_a_notebook_shows_it_as_markdown(told, traces):
    parts = told(traces["plain"]())
    explanation = Explanation(iter(parts))
    assert explanation._repr_markdown_() == to_markdown(parts) == explanation._repr_markdown_()
