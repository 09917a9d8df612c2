"""One metric of all heads as a map, decided before it is drawn."""

from __future__ import annotations

import math

import numpy
import pytest

from attnviz import AttnvizError, Layer, Trace, trace_text
from attnviz.analysis.corpus import Statistics
from attnviz.analysis.metrics import Metric
from attnviz.choices import Language, MeasuredStep
from attnviz.renderers.stats.head_map import decide
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select


def layers(*heads):
    draw = numpy.random.default_rng(3)
    return Trace(
        ("a", "b", "a"),
        tuple(Layer(*(draw.standard_normal((count, 3, 2)) for _ in range(3)), index=index) for index, count in heads),
    )


def test_a_row_is_a_layer_and_a_column_a_head(measured):
    statistics = measured(layers((2, 3), (5, 3)))
    picture = decide(statistics, Metric.ENTROPY)
    assert (picture.queries, picture.keys, picture.axes) == (("layer 2", "layer 5"), ("0", "1", "2"), ("layer", "head"))
    expected = numpy.array([head.values[Metric.ENTROPY].mean for head in statistics.heads()]).reshape(2, 3)
    assert (picture.panels[0].values == expected).all()
    assert picture.scale[:3] == (0.0, expected.max(), expected.max())
    assert not picture.hidden


def test_of_all_heads_as_one_there_is_one_column():
    trace = trace_text("a b a", heads=2)
    statistics = Statistics(step=MeasuredStep.SUMMED)
    statistics.add(trace, select(trace))
    picture = decide(statistics, Metric.ENTROPY)
    assert (picture.queries, picture.keys) == (("layer 0",), ("all heads",))
    [head] = statistics.heads()
    assert picture.panels[0].values.tolist() == [[head.values[Metric.ENTROPY].mean]]


def test_a_head_that_is_not_there_or_has_no_value_is_hidden(measured):
    picture = decide(measured(layers((0, 1), (1, 3))), Metric.ENTROPY)
    assert (picture.panels[0].values == -math.inf).tolist() == [[False, True, True], [False, False, False]]
    assert (picture.hidden, picture.blank) == (True, "unknown")


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        (Metric.INDUCTION, "the queries that see what followed an earlier copy of their token"),
        (Metric.DUPLICATE, "the queries that see an earlier copy of their token"),
    ],
)
def test_there_is_no_picture_of_a_metric_that_no_head_has(measured, metric, why):
    with pytest.raises(AttnvizError) as refused:
        decide(measured(trace_text("a b c", heads=2)), metric)
    assert str(refused.value) == f"no head has a value for {metric}: it is over {why}, and there are none"
    assert refused.value.hint == "see which metrics have values with attnviz stats, without --metric"


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("metric", Metric)
def test_the_title_is_the_metrics_own(measured, metric, language):
    words = lessons(language)
    title = words.say(f"metric.{metric}")
    assert decide(measured(), metric, words=words).title == title
    assert decide(measured(pool="max"), metric, words=words).title == words.say("stats.map_of_largest", title=title)
    assert decide(measured(), metric, "Mine").title == "Mine"


def test_below_the_title_stands_of_what_it_is(measured):
    assert decide(measured(), Metric.MASS).subtitle == "texts: 1 · tokens: 6"
