"""A picture of which only some rows have come."""

from __future__ import annotations

import math

import numpy

from attnviz.renderers.heatmap.rows import with_rows
from tests.support.figures import picture_of


def test_what_has_not_come_is_blank_and_unnamed():
    picture = picture_of(4, 2, causal=True)
    shown = with_rows(picture, 2)
    assert (shown.queries, shown.keys) == (("w0", "w1", "", ""), ("w0", "w1", "", ""))
    for panel, whole in zip(shown.panels, picture.panels, strict=True):
        assert numpy.array_equal(panel.values[:2, :2], whole.values[:2, :2])
        assert panel.values[0, 1] == -math.inf  # hidden, which is not the same as not there
        assert numpy.isnan(panel.values[2:]).all()
        assert numpy.isnan(panel.values[:, 2:]).all()


def test_all_rows_are_the_whole():
    picture = picture_of(3, causal=True)
    assert numpy.array_equal(with_rows(picture, 3).panels[0].values, picture.panels[0].values)


def test_without_a_causal_rule_all_keys_are_there_from_the_start():
    assert with_rows(picture_of(3), 1).keys == ("w0", "w1", "w2")
