"""A difference as Markdown."""

from __future__ import annotations

from dataclasses import replace

from attnviz import Trace, diff
from attnviz.renderers.difference.markdown import to_markdown


def test_a_heading_a_list_a_table_and_notes(words):
    lines = to_markdown(words).splitlines()
    assert lines[0] == "## Pairs of heads, the furthest apart first: 4"
    assert lines[2] == "- left: “the cat sat on the mat”"
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + 4
    assert {line.count("|") for line in table} == {8}


def test_no_token_is_markup(rules):
    tokens = ("a|b", "*c*", "<d>", "[e](f)", "`g`", "_h_")
    traces = [replace(one.trace, tokens=tokens, source={}) for one in (rules.left, rules.right)]
    text = to_markdown(diff(*traces))
    assert "<d>" not in text.replace(r"\<d\>", "")
    assert all(line.replace(r"\|", "").count("|") == 6 for line in text.splitlines() if line.startswith("|"))
    assert isinstance(traces[0], Trace)
