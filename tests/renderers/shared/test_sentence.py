"""Sentences in a terminal: folded like any text, a number and its per cent together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.measure import Measurement
from rich.style import Style
from rich.text import Text

from attnviz.renderers.shared.sentence import Sentence

SHARES = "In 31 % of them, and 5 % of others: 99.9 % at most, or % alone."


@pytest.mark.parametrize("width", range(12, 70))
def test_a_number_and_its_per_cent_stand_on_one_line(rendered, width):
    lines = [line.rstrip() for line in rendered(Sentence(SHARES), width)]
    assert " ".join(lines) == SHARES
    assert not any(line.startswith("%") for line in lines if line != "% alone." and not line.startswith("% alone"))
    assert max(map(cell_len, lines)) <= width


@given(words=st.lists(st.text("abc日", min_size=1, max_size=9), min_size=1, max_size=12), width=st.integers(10, 60))
@settings(deadline=None, max_examples=50)
def test_any_other_sentence_is_folded_as_it_always_was(rendered, words, width):
    text = " ".join(words)
    plain, ours = ([line.rstrip() for line in rendered(one, width)] for one in (Text(text), Sentence(text)))
    assert ours == plain


def test_it_has_its_style_and_its_width(console):
    target = console(40, "truecolor")
    styles = {segment.style for segment in target.render(Sentence("31 % of", Style(bold=True))) if segment.text.strip()}
    assert [style.bold for style in styles] == [True]
    assert Measurement.get(target, target.options, Sentence("31 % of")) == Measurement.get(
        target, target.options, Text("31-% of")
    )
