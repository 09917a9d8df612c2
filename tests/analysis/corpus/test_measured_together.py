"""Texts of several lengths are measured at once as each is alone, whatever stands in their padding."""

from __future__ import annotations

import math

import numpy
import pytest
from numpy.testing import assert_allclose

from attnviz import Layer, Rule, Trace
from attnviz.analysis.corpus import Statistics
from attnviz.analysis.metrics import Metric
from attnviz.attention.arrays import to_numpy
from attnviz.choices import Pool
from attnviz.trace.selection import select
from attnviz.trace.weights_of_texts import WeightsOfTexts

torch = pytest.importorskip("torch")

IDS = ([5, 6, 5, 6, 7, 5], [8], [9, 9, 9], [5, 6, 7, 5, 6, 7])
LONGEST = 6
DRAW = numpy.random.default_rng(3)
ARRAYS = [DRAW.normal(size=(2, 4, 3, LONGEST, 5)) for _ in range(2)]  # query and key: (layers, texts, heads, tokens, d)


def visible(causal: bool, window: int | None) -> numpy.ndarray:
    distance = numpy.arange(LONGEST)[:, None] - numpy.arange(LONGEST)
    shown = numpy.ones((LONGEST, LONGEST), bool) if not causal else distance >= 0
    return shown & (abs(distance) < (window or LONGEST))


def together(causal: bool, window: int | None, **options) -> tuple[Statistics, list]:
    """All texts at once; of the weights of padding it is said that they are NaN, as where nothing is seen."""
    statistics = Statistics(**options)
    weighing = statistics.together(IDS)
    lengths = numpy.array([len(ids) for ids in IDS])
    there = numpy.arange(LONGEST) < lengths[:, None]
    shown = visible(causal, window) & there[:, None, None]
    for number, (query, key) in enumerate(zip(*ARRAYS, strict=True)):
        scores = numpy.where(shown, query @ key.swapaxes(-1, -2) / math.sqrt(5), -math.inf)
        weights = torch.tensor(scores).softmax(-1)
        weights[~torch.tensor(there)[:, None].expand(-1, 3, -1)] = math.nan
        weighing.take(WeightsOfTexts(f"layer {number}", number, weights, torch.tensor(shown)))
    sources = [Trace(tuple("abcdef"), (Layer(*[query[0]] * 3),)).source for query in ARRAYS[0][0]]
    return statistics, [
        weighing.of_text(place, source, ["a"] * len(IDS[place])) for place, source in enumerate(sources)
    ]


def alone(causal: bool, window: int | None, **options) -> tuple[Statistics, list]:
    statistics = Statistics(**options)
    measured = []
    for place, ids in enumerate(IDS):
        layers = []
        for number in range(2):
            query, key = (array[number, place, :, : len(ids)] for array in ARRAYS)
            layers.append(Layer(query, key, key, Rule(causal=causal, window=window), number, "layer", "self"))
        trace = Trace(tuple(map(str, ids)), tuple(layers))
        measured.append(statistics.measured(trace, select(trace)))
    return statistics, measured


@pytest.mark.parametrize("pool", Pool)
@pytest.mark.parametrize(("causal", "window"), [(True, None), (True, 2), (False, None), (False, 3)])
def test_all_metrics_and_what_they_are_held_against_are_those_of_each_text_alone(causal, window, pool):
    mine, measured = together(causal, window, pool=pool, near=2)
    theirs, one_by_one = alone(causal, window, pool=pool, near=2)
    for some, each in zip(measured, one_by_one, strict=True):
        [(heads, values)] = some.layers
        others = each.layers
        assert sum(len(one.heads) for one in heads) == sum(len(one.heads) for named, _ in others for one in named) == 6
        for field in ("metrics", "chance"):
            joined = numpy.concatenate([getattr(of_layer, field) for _, of_layer in others], axis=-1)
            assert_allclose(getattr(values, field), joined, atol=1e-12, err_msg=field)
        mine.take(some)
        theirs.take(each)
    for head, other in zip(mine.heads(), theirs.heads(), strict=True):
        assert [name.name for name in head.names] == [name.name for name in other.names]
        assert {metric: value.count for metric, value in head.values.items()} == {
            metric: value.count for metric, value in other.values.items()
        }


def test_only_what_is_asked_for_is_measured_and_in_that_order():
    asked = (Metric.NEAR, Metric.FIRST)
    _, [text, *_] = together(True, None, metrics=asked)
    _, [other, *_] = alone(True, None, metrics=asked)
    assert text.layers[0][1].metrics.shape == (2, 6)
    joined = numpy.concatenate([values.metrics for _, values in other.layers], axis=-1)
    assert_allclose(text.layers[0][1].metrics, joined, atol=1e-12)


def test_how_a_text_begins_is_kept_where_that_is_asked_for():
    kept, none = (together(True, None, top_texts=count)[1][0].excerpt for count in (1, 0))
    assert kept.startswith("a")
    assert none == ""


def test_the_ids_of_padding_are_no_copy_of_a_token():
    """The second text has one token: nothing in it is a duplicate, however often padding repeats itself."""
    _, measured = together(False, None)
    names = list(Metric)
    values = dict(zip(names, measured[1].layers[0][1].metrics, strict=True))
    for metric in (Metric.DUPLICATE, Metric.INDUCTION, Metric.PREVIOUS):
        assert numpy.isnan(values[metric]).all()
    assert_allclose(to_numpy(values[Metric.SELF]), 1)
