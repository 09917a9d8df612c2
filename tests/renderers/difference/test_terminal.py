"""The two heads that are furthest apart in a terminal."""

from __future__ import annotations

import io

import numpy
import pytest
from rich.cells import cell_len
from rich.console import Console

from attnviz.renderers.difference.picture import decide
from attnviz.renderers.difference.terminal import pictures, to_maps
from attnviz.text.lessons import lessons


@pytest.mark.parametrize("width", [40, 80])
def test_the_maps_fit_the_terminal(words, width):
    text = io.StringIO()
    Console(file=text, width=width, color_system=None, highlight=False).print(to_maps(words, 50), end="")
    lines = text.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    assert lines[0].startswith("Layer 0, head ")
    assert "Difference" in lines


def test_left_and_right_share_a_scale_and_the_difference_has_its_own(words):
    both, apart = pictures(words, lessons())
    maps = decide(words).maps
    for panel, one in zip((*both.panels, *apart.panels), maps, strict=True):
        numpy.testing.assert_array_equal(panel.values, one.panels[0].values)
    assert [panel.title for panel in both.panels] == ["left", "right"]
    assert [panel.short_title for panel in both.panels] == ["left", "right"]
    assert (both.scale, apart.scale) == (maps[0].scale, maps[2].scale)
    assert both.hidden
