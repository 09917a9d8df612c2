"""The rows of one text: one for each head."""

from __future__ import annotations

import numpy

from attnviz.analysis.corpus.by_text import MeasuredLayer, TextRows


def test_there_is_a_row_for_each_head_of_each_layer():
    layers = (
        MeasuredLayer("layer 0", 0, (2, 0), numpy.array([[1.0, 2.0], [3.0, 4.0]])),
        MeasuredLayer("cross 1", 1, (None,), numpy.array([[5.0], [6.0]])),
    )
    rows = TextRows("line 7", 4, layers)
    assert list(rows) == [
        ("line 7", 4, 0, "layer 0", 2, [1.0, 3.0]),
        ("line 7", 4, 0, "layer 0", 0, [2.0, 4.0]),
        ("line 7", 4, 1, "cross 1", None, [5.0, 6.0]),
    ]
    assert list(rows) == list(rows)
