"""JSON and CSV of weights alone."""

from __future__ import annotations

import csv
import io
import json

import numpy
import pytest

from attnviz import Layer, Trace, trace_text
from attnviz.choices import Step
from attnviz.renderers.data.csv_format import to_csv
from attnviz.renderers.data.json_format import to_json
from attnviz.trace.selection import select
from tests.support.weights_alone import TEXT, alone


@pytest.fixture(scope="module")
def whole():
    return trace_text(TEXT, heads=2, causal=True)


@pytest.fixture(scope="module")
def weights(whole):
    return alone(whole)


def test_json_has_the_weights_and_leaves_out_what_is_unknown(whole, weights):
    ours, theirs = (json.loads(b"".join(to_json(one, select(one)))) for one in (weights, whole))
    layer = ours["layers"][0]
    assert layer.keys() == {"layer", "name", "kind", "causal", "window", "heads"}
    for head, other in zip(layer["heads"], theirs["layers"][0]["heads"], strict=True):
        assert head == {"head": other["head"], "weights": other["weights"]}


def test_csv_has_the_same_rows_as_of_the_whole_layer(whole, weights):
    ours = to_csv(weights, select(weights))
    assert ours == to_csv(whole, select(whole, step=[Step.WEIGHTS]))
    assert {row[2] for row in csv.reader(io.StringIO(ours))} == {"weights"}


def test_a_column_of_a_long_text_is_told_without_the_steps_that_are_not_there():
    given = numpy.full((1, 1100, 1100), 1 / 1100, dtype=numpy.float32)
    trace = Trace([f"w{place}" for place in range(1100)], (Layer(weights=given),))
    rows = list(csv.reader(io.StringIO(to_csv(trace, select(trace, key="@3")))))
    assert len(rows) == 1100
    assert {row[2] for row in rows} == {"weights"}
