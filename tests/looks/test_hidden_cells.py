"""One answer to "is this cell hidden?": the same rules through everything that shows attention give the same set of hidden
cells, and the same weights. (The page, in a real browser: tests/renderers/page.)"""

from __future__ import annotations

import csv
import io
import json
import math
from functools import lru_cache

import numpy
import pytest
from hiding_rules import FLOATS, HEADS, TOKENS, arrays, rules
from numpy.testing import assert_allclose, assert_array_equal

from attnviz import Layer, Steps, Trace, attend, pool
from attnviz.analysis.key_column import key_columns
from attnviz.analysis.measure import measure_heads
from attnviz.analysis.metrics import Metric
from attnviz.api import explain
from attnviz.choices import MapStep
from attnviz.renderers.data.csv_format import csv_header, to_csv
from attnviz.renderers.data.json_format import to_json
from attnviz.renderers.explain.document import Section
from attnviz.renderers.heatmap.picture import View, decide
from attnviz.renderers.page.levels import in_levels
from attnviz.renderers.shared.matrix import HIDDEN
from attnviz.trace.selection import select

SHAPE = (HEADS, TOKENS, TOKENS)
# All rules in the usual type, and some of them in the others: a rule is hidden alike whatever the type is.
CASES = [(kind, name) for kind in FLOATS for name in list(rules(kind))[:: 1 if kind is numpy.float32 else 3]]
EVERY_CASE = pytest.mark.parametrize(("kind", "name"), CASES, ids=[f"{kind.__name__}-{name}" for kind, name in CASES])
SOME_CASES = pytest.mark.parametrize("name", rules(numpy.float32))


@lru_cache
def made(kind, name) -> tuple[Trace, Steps]:
    """A trace of the rule, and what attend() says of it."""
    query, key, value = arrays(kind)
    rule = rules(kind)[name]
    tokens = tuple(f"t{place}" for place in range(TOKENS))
    return Trace(tokens, (Layer(query, key, value, rule),)), attend(query, key, value, **vars(rule))


def tolerance(kind) -> float:
    return 1e-12 if kind is numpy.float64 else 2e-6


@EVERY_CASE
@pytest.mark.some(31)
def test_tables(kind, name):
    trace, steps = made(kind, name)
    sections = [
        part for part in explain(trace, step=["masked", "weights"], precision=17).parts if isinstance(part, Section)
    ]
    masked, weights = ([section.matrices[0] for section in sections[place::2]] for place in (0, 1))
    assert_array_equal([[[cell == "−∞" for cell in row] for row in one.cells] for one in masked], steps.hidden)
    assert_array_equal([[[tint == HIDDEN for tint in row[:-1]] for row in one.tints] for one in weights], steps.hidden)
    dots = [[[cell == "·" for cell in row[:-1]] for row in one.cells] for one in weights]
    assert_array_equal(dots, steps.hidden)
    written = numpy.array(
        [[[float(cell.replace("·", "0")) for cell in row[:-1]] for row in one.cells] for one in weights]
    )
    assert_allclose(written, steps.weights, atol=1e-9 if kind is numpy.float64 else 1e-7)


@EVERY_CASE
@pytest.mark.some(31)
def test_json(kind, name):
    trace, steps = made(kind, name)
    heads = json.loads(b"".join(to_json(trace, select(trace))))["layers"][0]["heads"]
    assert_array_equal([[[cell is None for cell in row] for row in head["masked"]] for head in heads], steps.hidden)
    assert_allclose([head["weights"] for head in heads], steps.weights, atol=0)


@EVERY_CASE
@pytest.mark.some(31)
def test_csv(kind, name):
    trace, steps = made(kind, name)
    rows = list(csv.DictReader(io.StringIO(csv_header() + to_csv(trace, select(trace, step=["masked", "weights"])))))
    values = {step: numpy.zeros(SHAPE) for step in ("masked", "weights")}
    for row in rows:
        values[row["step"]][int(row["head"]), int(row["query"]), int(row["key"])] = float(row["value"])
    assert len(rows) == 2 * numpy.prod(SHAPE)
    assert_array_equal(values["masked"] == -math.inf, steps.hidden)
    assert_allclose(values["weights"], steps.weights, atol=1e-7)


@EVERY_CASE
@pytest.mark.parametrize(
    ("step", "region"),
    [
        (MapStep.MASKED, {"query": "1:", "key": ":6"}),
        (MapStep.WEIGHTS, {}),
        pytest.param(MapStep.MASKED, {}, marks=pytest.mark.slow),
        pytest.param(MapStep.WEIGHTS, {"query": "1:", "key": ":6"}, marks=pytest.mark.slow),
    ],
    ids=["masked-region", "weights-whole", "masked-whole", "weights-region"],
)
@pytest.mark.some(38)
def test_heatmap(kind, name, step, region):
    trace, steps = made(kind, name)
    picture = decide(trace, select(trace, **region), step, None, View())
    values = numpy.array([panel.values for panel in picture.panels])
    shown = numpy.s_[:, 1:, :6] if region else numpy.s_[:]
    hidden, weights = steps.hidden[shown], steps.weights[shown]
    assert_array_equal(values == -math.inf, hidden)
    if step is MapStep.WEIGHTS:
        assert_allclose(values[~hidden], weights[~hidden], atol=tolerance(kind))


@EVERY_CASE
@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.some(38)
def test_pooling(kind, name, backend):
    trace, steps = made(kind, name)
    if backend == "torch":
        pytest.importorskip("torch")
        trace = trace.to("torch")
    pooled = pool(trace.layers[0], cells=TOKENS)
    assert_array_equal(numpy.asarray(pooled.visible) == 0, steps.hidden)
    assert_allclose(numpy.asarray(pooled.mean), steps.weights, atol=tolerance(kind))


@EVERY_CASE
@pytest.mark.some(31)
def test_one_key(kind, name):
    trace, steps = made(kind, name)
    for key in (0, 3):
        for head, column in enumerate(key_columns(trace.layers[0], range(HEADS), key)):
            assert_array_equal(column.hidden, steps.hidden[head, :, key])
            assert_array_equal(column.masked == -math.inf, column.hidden)
            assert_allclose(column.weights, steps.weights[head, :, key], atol=tolerance(kind))


@SOME_CASES
@pytest.mark.parametrize("third", [0, *(pytest.param(third, marks=pytest.mark.slow) for third in (1, 2))])
@pytest.mark.some(28)
def test_stats(name, third):
    """Of one query and one key, the mass is the weight of that cell, and unknown where it is hidden."""
    trace, steps = made(numpy.float32, name)
    for query, key in numpy.argwhere(numpy.add.outer(range(TOKENS), range(TOKENS)) % 3 == third).tolist():
        found = measure_heads(trace, trace.layers[0], queries=[query], keys=[key], only=[Metric.MASS]).metrics[
            Metric.MASS
        ]
        assert_array_equal(numpy.isnan(found), steps.hidden[:, query, key])
        seen = ~steps.hidden[:, query, key]
        assert_allclose(found[seen], steps.weights[seen, query, key], atol=tolerance(numpy.float32))


@EVERY_CASE
def test_weights_in_8_bits(kind, name):
    _, steps = made(kind, name)
    levels, _, error = in_levels(steps.weights, steps.hidden)
    assert_array_equal(levels == 0, steps.hidden)
    assert error <= 0.5 / 254
