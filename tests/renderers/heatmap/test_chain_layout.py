"""Where the maps of a chain stand."""

from __future__ import annotations

import pytest

from attnviz import AttnvizError, trace_text
from attnviz.renderers.heatmap.all_steps import decide_steps
from attnviz.renderers.heatmap.chain_layout import LARGEST_CELL, bar_ends, chain_layout
from attnviz.renderers.heatmap.picture import View
from attnviz.renderers.shared.scale import Scale
from attnviz.trace.selection import select

FAMILIES = ("DejaVu Sans",)


def layout_of(words, width=None):
    trace = trace_text(" ".join(f"w{place}" for place in range(words)), causal=True)
    return chain_layout(decide_steps(trace, select(trace).layers[0], None, View(width=width)), FAMILIES)


@pytest.mark.parametrize("words", [1, 3, 12, 60])
def test_maps_follow_each_other_with_their_signs_between(words):
    layout = layout_of(words)
    assert layout.size[0] == 12.8
    ends = [left + grid.panel[0] for left, grid in zip(layout.lefts, layout.grids, strict=True)]
    for end, middle, left in zip(ends, layout.middles, layout.lefts[1:], strict=False):
        assert end + layout.arrow / 2 < middle < left - layout.arrow / 2
    assert ends[-1] < 12.8
    assert len({grid.panel[1] for grid in layout.grids}) == 1
    assert layout.grids[0].cell <= LARGEST_CELL


def test_an_output_of_few_dimensions_is_half_as_wide_as_a_map():
    layout = layout_of(12)
    assert layout.grids[-1].panel[0] == pytest.approx(layout.grids[0].panel[0] / 2)


def test_too_little_is_refused():
    with pytest.raises(AttnvizError, match="does not fit into 25 mm"):
        layout_of(3, 25.0)


def test_a_bar_says_how_far_values_go_beyond_it():
    assert bar_ends(Scale(0.0, 0.3, 0.3)) == ("0", "0.3")
    assert bar_ends(Scale(0.0, 0.3, 0.92)) == ("0", "0.3 → 0.92")
