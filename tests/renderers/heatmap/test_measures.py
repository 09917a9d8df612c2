"""How wide a text is, before anything is drawn."""

from __future__ import annotations

import warnings

import pytest
from matplotlib.textpath import TextPath

from attnviz.renderers.heatmap.fonts import BASE
from attnviz.renderers.heatmap.measures import POINT, text_width


@pytest.mark.parametrize("text", ["journey", "W", "antidisestablishment", "−∞ ↓ →"])
@pytest.mark.parametrize("size", [5.5, 10.0, 26.0])
def test_a_text_is_as_wide_as_its_outline(text, size):
    outline = TextPath((0, 0), text, size=size, prop={"family": BASE}).get_extents()
    assert text_width((text,), (BASE,), size) == pytest.approx(outline.x1 * POINT, abs=0.15 * size * POINT)


def test_of_several_texts_the_longest_counts_and_bold_ones_are_wider():
    assert text_width(("a", "abc", "ab"), (BASE,), 10) == text_width(("abc",), (BASE,), 10)
    assert text_width(("abc",), (BASE,), 10, True) > text_width(("abc",), (BASE,), 10)
    assert text_width(("abc",), (BASE,), 20) == pytest.approx(2 * text_width(("abc",), (BASE,), 10), rel=0.02)


def test_a_character_that_no_font_has_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert text_width(("\U0001f9ff",), (BASE,), 11.25) > 0
