"""The table of retrieval: the heads, the name, and what became of each needle."""

from __future__ import annotations

import pytest
from copying import measured

from attnviz.choices import Language
from attnviz.renderers.retrieval.retrieval_table import to_renderable, to_text
from attnviz.text.lessons import lessons


def test_heads_that_looked_at_what_was_copied_stand_above_the_needles(rendered):
    lines = rendered(to_renderable(measured()), 160)
    assert (
        lines[0]
        == "copier, recomputed to within 1.0e-07 of its own outputs · needles copied: 4 of 4 · tokens copied: 16"
    )
    assert [line.split("│")[1].split() for line in lines if line.startswith("layer 0")] == [["1.000"]]
    assert "and 2 more heads, which CSV and JSON hold" in lines
    assert any(line.startswith("retrieval: layer 0 · 0 1.00 (≥ 0.") for line in lines)
    assert lines[-4].startswith("✓ The password of the old library is … marble lantern nothing")
    assert lines[-4].endswith("at 0 %)")


@pytest.mark.parametrize("language", Language)
def test_what_was_not_copied_is_marked(rendered, language):
    words = lessons(language)
    lines = rendered(to_renderable(measured(2, lost=9), words), 160)
    assert words.say("retrieval.nowhere") in lines
    assert words.say("retrieval.short") in lines
    assert [line[0] for line in lines[-2:]] == ["✗", "✗"]


def test_its_text_is_the_table_in_english():
    assert "tokens copied: 16" in to_text(measured())
