"""Maps of a long text: cells of many tokens, each the exact mean or the largest of the weights that it covers."""

from __future__ import annotations

import numpy
import pytest
from hiding_rules import arrays, rules
from random_traces import long_trace, unnamed_trace

from attnviz import Layer, Trace, attend
from attnviz.analysis.measure import head_metrics
from attnviz.analysis.metrics import Metric
from attnviz.choices import Pool
from attnviz.renderers.page.levels import FINE_LEVELS
from attnviz.renderers.page.limits import Limits, bare_size
from attnviz.renderers.page.page import to_html
from attnviz.renderers.page.pooled_maps import pool_layers, pooled_size
from attnviz.trace.selection import select

LONG = Limits(tokens=200)


@pytest.mark.parametrize("choice", Pool)
@pytest.mark.parametrize("rule", [{}, {"causal": True}, {"window": 9}, {"causal": True, "sinks": numpy.ones(4)}])
def test_a_cell_is_the_mean_or_the_largest_of_its_weights(rule, choice):
    whole = long_trace(103, **rule)
    layer = whole.layers[0]
    [one] = pool_layers(select(whole, head=["1", "3"]).layers, Limits(cells_of_several=10), choice)
    assert one.cells == ["10", "10", "11", "11"]
    assert one.labels(whole)[0][-1] == "99–102"
    steps = attend(layer.query, layer.key, layer.value, **rule)
    levels, scales = one.packed.arrays["levels"], one.packed.arrays["scales"]
    for place, head in enumerate((1, 3)):
        for row in range(10):
            for column in range(10):
                cell = (slice(11 * row, 11 * row + 11), slice(11 * column, 11 * column + 11))
                seen = ~steps.hidden[head][cell]
                if not seen.any():
                    assert levels[place, row, column] == 0
                    continue
                weights = steps.weights[head][cell][seen]
                expected = weights.mean() if choice is Pool.MEAN else weights.max()
                ours = (levels[place, row, column] - 1.0) * scales[place, row] / FINE_LEVELS
                assert abs(ours - expected) <= one.packed.error + 1e-7


def test_the_entropy_is_that_of_stats():
    mask = (numpy.arange(103) > 20)[None]  # padding on the left: under a causal mask, the first queries see nothing
    whole = long_trace(103, causal=True, mask=mask)
    [one] = pool_layers(select(whole).layers)
    expected = head_metrics(whole, whole.layers[0])[Metric.ENTROPY]
    numpy.testing.assert_allclose(one.metrics["entropy"], expected, atol=1e-5)


def test_a_position_that_is_a_name_is_not_told_twice():
    [one] = pool_layers(select(unnamed_trace(50), query="10:14", key="3:6").layers)
    assert one.labels(unnamed_trace(50)) == (["10", "11", "12", "13"], ["3", "4", "5"])
    [one] = pool_layers(select(long_trace(50), query="10:12", key="3:6").layers)
    assert one.labels(long_trace(50))[0] == ["w10 @10", "w11 @11"]


def test_a_cell_of_one_token_is_named_once():
    limits = Limits(cells_of_several=10)
    [one] = pool_layers(select(long_trace(21), query="3:7").layers, limits)
    assert one.labels(long_trace(21))[0] == ["3", "4", "5", "6"]
    assert one.labels(long_trace(21))[1][-1] == "18–20"
    [one] = pool_layers(select(long_trace(28), key="0:28").layers, limits)
    assert one.labels(long_trace(28))[1][-1] == "27"


@pytest.mark.parametrize("rule", [{}, {"causal": True}, {"causal": True, "window": 60}])
@pytest.mark.parametrize("region", [{}, {"query": "100:500", "key": "0:300"}])
@pytest.mark.some(2)
def test_the_size_of_a_page_is_known_before_it_is_drawn(rule, region):
    whole = long_trace(700, **rule)
    selection = select(whole, **region)
    size = len(to_html(whole, selection, limits=LONG)) - bare_size()
    assert 0.5 * pooled_size(selection.layers) - 20_000 < size < pooled_size(selection.layers) + 20_000


def test_a_text_without_its_special_tokens_is_pooled_without_them():
    whole = long_trace(50, causal=True)
    whole = Trace(whole.tokens, whole.layers, {"kind": "model", "ids": list(range(50)), "special": [0]})
    [layer] = pool_layers(select(whole, skip_special=True).layers, Limits(cells_of_several=10))
    assert layer.metrics == {}
    levels, scales = layer.packed.arrays["levels"], layer.packed.arrays["scales"]
    weights = whole.layers[0].steps().weights
    assert (levels[:, 0, 0] - 1.0) * scales[:, 0] / FINE_LEVELS == pytest.approx(
        [head[1:5, 1:5][numpy.tri(4, dtype=bool)].mean() for head in weights], rel=1e-3
    )


@pytest.mark.parametrize("kind", [numpy.float32, numpy.float64])
@pytest.mark.some(1)
def test_a_region_hides_what_attend_hides(kind):
    for name, rule in rules(kind).items():
        layer = Layer(*arrays(kind), rule)
        trace = Trace(tuple("abcdefg"), (layer,))
        [pooled] = pool_layers(select(trace, query="1:6", key="0:5").layers)
        steps, (levels, scales) = layer.steps(), pooled.packed.arrays.values()
        assert ((levels == 0) == steps.hidden[:, 1:6, :5]).all(), name
        weights = numpy.where(levels > 0, levels - 1.0, 0) * scales[..., None] / FINE_LEVELS
        assert numpy.abs(weights - steps.weights[:, 1:6, :5]).max() <= pooled.packed.error + 2e-6, name
