"""Maps of long texts: the exact weights, pooled or in full, for any region and step."""

import math
from dataclasses import replace

import numpy
import pytest
from thinned import in_pairs

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.analysis.maps import framed, head_maps
from attnviz.analysis.measure import head_metrics
from attnviz.analysis.metrics import Metric
from attnviz.choices import MapStep, Pool
from attnviz.pooling.pool import pool
from attnviz.renderers.heatmap.picture import View, decide
from attnviz.trace.direction import Direction
from attnviz.trace.selection import LayerSelection, select
from tests.support.contributions import norms, summed_norms, vectors, with_output

RULES = {
    "plain": Rule(),
    "causal": Rule(causal=True),
    "window and cap": Rule(causal=True, window=9, softcap=1.5),
    "mask": Rule(mask=numpy.random.default_rng(1).random((50, 50)) < 0.5),
    "sinks": Rule(causal=True, sinks=numpy.array([0.3, -1.0])),
    "causal as a bias": Rule(bias=numpy.triu(numpy.full((50, 50), -1e4), 1)),
}


def a_layer(rule, queries=50, keys=50):
    random = numpy.random.default_rng(0)
    query, key = random.standard_normal((2, queries, 4)), random.standard_normal((1, keys, 4))
    return with_output(Layer(query, key, key, rule))


def naive(layer, head, step, queries, keys, cell, pool):
    """The whole map, cut, and then reduced cell by cell."""
    steps = layer.steps(head)
    brought = {MapStep.CONTRIBUTION: norms, MapStep.SUMMED: lambda of: [summed_norms(of)]}
    values = brought[step](layer)[head] if step in brought else getattr(steps, step.value)
    if step in (MapStep.WEIGHTS, MapStep.MASKED, *brought):
        values = numpy.where(steps.hidden, -math.inf, values)
    return reduced(values[queries.start : queries.stop, keys.start : keys.stop], cell, pool)


def reduced(values, cell, pool):
    """The mean or the largest of what is seen in each cell."""
    rows = []
    for top in range(0, len(values), cell[0]):
        row = []
        for left in range(0, values.shape[1], cell[1]):
            part = values[top : top + cell[0], left : left + cell[1]]
            seen = part[part > -math.inf]
            row.append((seen.mean() if pool is Pool.MEAN else seen.max()) if seen.size else -math.inf)
        rows.append(row)
    return numpy.array(rows)


@pytest.mark.parametrize(
    ("rule", "step", "pool", "region", "cells"),
    in_pairs(RULES, MapStep, Pool, [(range(50), range(50)), (range(7, 31), range(3, 50))], [6, 100]),
)
@pytest.mark.some(11)
def test_a_map_is_the_whole_map_reduced(rule, step, pool, region, cells):
    layer = a_layer(RULES[rule])
    part = LayerSelection(layer, (0, 1), region=None if region == (range(50), range(50)) else region)
    frame = framed(part, cells, pool)
    maps, shares = head_maps(part, step, frame, scores=200)  # several blocks of rows, which do not end with cells
    assert shares == []
    assert len(maps) == (1 if step is MapStep.SUMMED else 2)
    for head, values in enumerate(maps):
        wanted = naive(layer, head, step, *region, frame.cell, pool)
        assert values.shape == frame.shape
        numpy.testing.assert_allclose(values, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("cells", [6, 100])
@pytest.mark.parametrize("step", [MapStep.WEIGHTS, MapStep.MASKED])
def test_what_is_left_out_is_in_no_cell_and_its_share_is_told(cells, step):
    layer = a_layer(RULES["causal"])
    places = tuple(place for place in range(50) if place not in (0, 20, 49))
    part = LayerSelection(layer, (0, 1), queries=places, keys=places, region=(range(5, 50), range(40)))
    frame = framed(part, cells)
    maps, shares = head_maps(part, step, frame)
    for head, (values, share) in enumerate(zip(maps, shares, strict=True)):
        steps = layer.steps(head)
        whole = numpy.where(steps.masked == -math.inf, -math.inf, getattr(steps, step.value))
        if cells == 100:
            rows, columns = ([place for place in places if place in side] for side in (frame.queries, frame.keys))
            numpy.testing.assert_allclose(values, whole[numpy.ix_(rows, columns)])
        else:
            kept = numpy.full_like(whole, -math.inf)
            kept[numpy.ix_(places, places)] = whole[numpy.ix_(places, places)]
            numpy.testing.assert_allclose(values, reduced(kept[5:50, :40], frame.cell, Pool.MEAN))
        lost = numpy.delete(steps.weights, places, axis=1)[[place for place in places if place >= 5]]
        assert share == pytest.approx(lost.sum(axis=1).mean())


@pytest.mark.parametrize("pool", Pool)
def test_contributions_with_a_sign_are_pooled_with_it(pool):
    """The largest of a cell of negative numbers is negative, and not the 0 of a hidden pair."""
    layer = a_layer(RULES["causal"])
    width = layer.projections["output"].weight.shape[1]
    layer = replace(layer, toward=Direction("x", -numpy.ones(width)))
    part = LayerSelection(layer, (0, 1))
    frame = framed(part, 25, pool)
    for step in (MapStep.CONTRIBUTION, MapStep.SUMMED):
        heads = [numpy.einsum("qkd,d->qk", one.numpy(), -numpy.ones(width)) for one in vectors(layer)]
        wanted = heads if step is MapStep.CONTRIBUTION else [sum(heads)]
        maps, _ = head_maps(part, step, frame, scores=200)
        for found, values in zip(maps, wanted, strict=True):
            values = numpy.where(layer.steps(0).hidden, -math.inf, values)
            numpy.testing.assert_allclose(found, reduced(values, frame.cell, pool), rtol=1e-9, atol=1e-12)
            assert (found[found > -math.inf] < 0).any()  # of four pairs


def test_values_that_bring_nothing_make_a_map_of_nothing():
    layer = a_layer(RULES["causal"])
    part = LayerSelection(replace(layer, value=0 * layer.value), (0, 1))
    for values in head_maps(part, MapStep.CONTRIBUTION, framed(part, 6))[0]:
        assert (values[values > -math.inf] == 0).all()


def test_the_rows_of_a_pooled_map_say_what_stats_says():
    layer = a_layer(RULES["sinks"])
    trace, pooled = Trace(tuple(map(str, range(50))), (layer,)), pool(layer)
    metrics = head_metrics(trace, layer)
    numpy.testing.assert_allclose(pooled.entropy.mean(axis=1), metrics[Metric.ENTROPY])
    numpy.testing.assert_allclose(pooled.largest.mean(axis=1), metrics[Metric.LARGEST])
    numpy.testing.assert_allclose(pooled.first_key[:, 1:].mean(axis=1), metrics[Metric.FIRST])


def long_trace(count=1500):
    return trace_text(" ".join(f"w{place}" for place in range(count)), causal=True)


def test_a_long_text_is_pooled_and_the_title_says_so():
    trace = long_trace()
    seen = decide(trace, select(trace))
    assert seen.title == "Attention weights, causal, 750 × 750 cells of 2 × 2 tokens, mean"
    assert seen.panels[0].values.shape == (750, 750)
    named = {place: label for place, label in enumerate(seen.queries) if label}
    assert named == {position // 2: f"{position:,}" for position in range(0, 1500, 200)}
    assert decide(trace, select(trace), title="mine").title == "mine"
    assert "cells of 2 × 2 tokens, mean" in decide(trace, select(trace), title="mine").subtitle


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_a_causal_mask_given_as_a_bias_hides_the_same_cells(dtype):
    random = numpy.random.default_rng(0)
    query = random.standard_normal((1, 1500, 8)).astype(dtype)
    bias = numpy.triu(numpy.full((1500, 1500), numpy.finfo(dtype).min), 1)
    maps = []
    for rule in (Rule(causal=True), Rule(bias=bias)):
        whole = LayerSelection(Layer(query, query, query, rule), (0,))
        region = whole._replace(region=(range(1500), range(1495)))
        rows = whole._replace(keys=tuple(range(1495)))  # row by row, as no region is
        (pooled,), (part,), (apart,) = (
            head_maps(one, MapStep.WEIGHTS, framed(one, 300))[0] for one in (whole, region, rows)
        )
        numpy.testing.assert_allclose(pooled[:, :299], part, rtol=1e-4)
        numpy.testing.assert_allclose(pooled[:, :299], apart[:, :299], rtol=1e-4)
        maps.append(pooled)
    numpy.testing.assert_allclose(*maps, rtol=1e-4)


def test_a_region_has_the_weights_of_the_whole_softmax_and_its_own_tokens():
    trace = long_trace()
    seen = decide(trace, select(trace, query="1000:1010", key="995:1005"), view=View(Pool.MAX))
    assert seen.title == "Attention weights, causal, queries 1,000–1,009, keys 995–1,004"
    assert seen.queries == tuple(f"w{place}" for place in range(1000, 1010))
    assert seen.keys == tuple(f"w{place}" for place in range(995, 1005))
    assert seen.subtitle.startswith("“… w1000 w1001 ")
    steps = trace.layers[0].steps(0)
    wanted = numpy.where(steps.masked == -math.inf, -math.inf, steps.weights)[1000:1010, 995:1005]
    numpy.testing.assert_allclose(seen.panels[0].values, wanted)


def test_a_needle_stays_visible_in_the_largest_weights():
    random = numpy.random.default_rng(0)
    query, key = 0.1 * random.standard_normal((2, 1, 1200, 4))
    key[0, 777], query[0, 900] = 20, 20
    trace = Trace(tuple(map(str, range(1200))), (Layer(query, key, key),))
    mean, largest = (decide(trace, select(trace), view=View(pool=pool)).panels[0].values for pool in Pool)
    assert largest[450, 388] > 0.99
    assert mean[450, 388] < 0.26


def test_many_heads_get_fewer_cells():
    trace = trace_text(" ".join(f"w{place}" for place in range(600)), heads=3)
    assert decide(trace, select(trace)).panels[0].values.shape == (300, 300)
    assert decide(trace, select(trace, head=["1"])).panels[0].values.shape == (600, 600)


def test_how_far_it_is_is_told():
    trace, heard = long_trace(), []
    decide(trace, select(trace), view=View(report=lambda done, of: heard.append(done / of)))
    assert heard == sorted(heard)
    assert heard[-1] == 1


@pytest.mark.parametrize("cells", [6, 100])
def test_of_contributions_the_share_of_those_that_are_left_out_is_told(cells):
    layer = a_layer(RULES["causal"])
    places = tuple(range(1, 50))
    part = LayerSelection(layer, (0, 1), queries=places, keys=places)
    _, found = head_maps(part, MapStep.CONTRIBUTION, framed(part, cells), scores=200)
    lengths = norms(layer)[:, 1:]
    expected = (lengths[..., 0] / lengths.sum(axis=-1)).mean(axis=-1)
    numpy.testing.assert_allclose(found, expected, rtol=1e-6)
