"""What Python gets of an explanation: the same text, the same colours, HTML in a notebook."""

from __future__ import annotations

import re

from attnviz import trace_text
from attnviz.renderers.explain.explanation import Explanation
from attnviz.renderers.explain.fragment import to_fragment
from attnviz.renderers.explain.latex import to_latex
from attnviz.renderers.explain.markdown import to_markdown
from attnviz.renderers.explain.tables import to_renderable
from tests.support.explained import say


def test_printing_it_shows_every_part_unfolded(told, traces, rendered):
    parts = told(traces["causal"]())
    text = str(Explanation(parts, 1))
    assert text == "".join(f"{line}\n" for part in parts for line in rendered(to_renderable(part), 1_000_000))
    assert say("weights.what") in text.splitlines()
    assert "\x1b" not in text


def test_a_rich_console_shows_it_in_colour_and_in_its_width(told, traces, rendered):
    explanation = Explanation(told(traces["causal"]()), 1)
    lines = rendered(explanation, 60, "truecolor")
    assert any("\x1b[" in line for line in lines)
    assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in lines) <= 60


def test_a_notebook_shows_it_as_html(told, traces):
    parts = told(traces["plain"]())
    explanation = Explanation(iter(parts), 1)
    assert explanation._repr_html_() == to_fragment(parts) == explanation._repr_html_()
    assert explanation.to_markdown() == to_markdown(parts)


def test_its_repr_says_what_it_is_in_one_line():
    explanation = trace_text("Your journey starts", heads=2).explain(step="weights")
    assert repr(explanation) == "Explanation(1 layer, 2 heads, 2 sections: print() shows it)"


def test_it_gives_latex_and_html(told, traces):
    parts = told(traces["plain"]())
    assert Explanation(parts, 1).to_latex() == to_latex(parts)
    assert Explanation(parts, 1).to_html() == to_fragment(parts)
