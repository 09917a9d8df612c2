"""A diagnosis as Markdown."""

from __future__ import annotations

from made_diagnoses import CORRECT, ONE, SEVERAL, UNKNOWN

from attnviz.renderers.diagnosis.markdown import to_markdown
from attnviz.text.lessons import lessons


def test_a_heading_the_word_and_a_list():
    lines = to_markdown(ONE, lessons()).splitlines()
    assert lines[0] == "## Not correct: a mistake that I know explains it"
    assert lines[2].startswith("### The causal mask")
    assert lines[3] == "`causal-top-left`"
    assert "- error: 0.41 → 2e-7 (rounding of float32: 1e-6)" in lines
    assert "- change: Align the last Query with the last Key: `visible = torch.ones(" in "\n".join(lines)
    assert lines[-1].startswith("Errors are parts")


def test_explanations_are_numbered():
    lines = to_markdown(SEVERAL, lessons()).splitlines()
    assert [line[:7] for line in lines if line.startswith("### ")] == ["### 1. ", "### 2. ", "### 2. "]


def test_without_a_mistake():
    assert to_markdown(CORRECT, lessons()) == "## Correct to 3.2e-7 (rounding of float32)\n"
    assert "###" not in to_markdown(UNKNOWN, lessons()).replace("## ", "", 1)
    assert "- departs first: head 1, Query 5, Keys 16 to 31" in to_markdown(UNKNOWN, lessons())
