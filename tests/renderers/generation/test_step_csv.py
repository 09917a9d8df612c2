"""The steps as CSV."""

from __future__ import annotations

import csv
import io

import numpy

from attnviz import Layer, Rule, Trace
from attnviz.renderers.generation.step_csv import to_csv
from attnviz.trace.generation import Generation

LAYER = Layer(*[numpy.ones((1, 2, 1))] * 3, Rule(causal=True))


def rows(**options):
    return list(csv.reader(io.StringIO(to_csv(Trace(("a", "b"), (LAYER,), **options)))))


def test_a_row_for_each_token_that_could_have_been_chosen():
    predictions = [[("=b", 0.5), ("c", 0.2)], [("c", 0.6)]]
    assert rows(predictions=predictions, generation=Generation(("=b", "odd"), (0.5, 0.01))) == [
        ["step", "rank", "token", "probability", "chosen"],
        ["1", "1", "'=b", "0.5", "1"],
        ["1", "2", "c", "0.2", "0"],
        ["2", "1", "c", "0.6", "0"],
        ["2", "", "odd", "0.01", "1"],
    ]


def test_what_is_not_known_is_empty():
    assert rows(generation=Generation(("b",)))[1:] == [["1", "", "b", "", "1"]]
