"""The table of heads: a row a head, a column a metric, and what a person needs to read it."""

from __future__ import annotations

import re

import numpy
import pytest

from attnviz import Layer, Trace, trace_text
from attnviz.analysis.measure import measure_heads
from attnviz.analysis.metrics import Metric
from attnviz.choices import Language
from attnviz.renderers.stats.facts import footnotes
from attnviz.renderers.stats.head_table import to_renderable
from attnviz.text.lessons import lessons


def rows_of(lines):
    return {line.split(" │")[0].strip(): line.split("│")[1].split() for line in lines if re.match(r"layer \d", line)}


def test_each_cell_is_the_value_of_its_head_and_metric(measured, rendered):
    statistics = measured()
    lines = rendered(to_renderable(statistics, None), 200)
    trace = trace_text("the cat sat on the mat", heads=2, causal=True)
    expected = measure_heads(trace, trace.layers[0]).metrics
    columns = [metric for metric in Metric if metric is not Metric.MASS]
    assert next(line for line in lines if line.startswith("head")).split("│")[1].split() == [
        metric.value for metric in columns
    ]
    for head in (0, 1):
        words = rows_of(lines)[f"layer 0 · {head}"]
        assert [float(word) for word in words] == pytest.approx(
            [expected[metric][head] for metric in columns], abs=5.1e-4
        )


def test_what_no_text_had_an_answer_for_is_a_dash(measured, rendered):
    words = rows_of(rendered(to_renderable(measured(trace_text("a b c")), None), 200))["layer 0 · 0"]
    assert words[[*Metric].index(Metric.DUPLICATE)] == words[[*Metric].index(Metric.INDUCTION)] == "–"


def test_several_texts_show_how_far_they_differ(measured, rendered):
    statistics = measured(trace_text("the cat sat"), trace_text("a dog ran off"))
    line = next(line for line in rendered(to_renderable(statistics, None), 300) if line.startswith("layer 0"))
    value = statistics.heads()[0].values[Metric.ENTROPY]
    assert f"{value.mean:.3f} ± {value.deviation:.3f}" in line


def test_numbers_below_the_last_decimal_are_not_shown_as_nothing(measured, rendered):
    array = numpy.zeros((4000, 1))
    trace = Trace(tuple(map(str, range(4000))), (Layer(array, array, array),))
    lines = rendered(to_renderable(measured(trace, query="0:2", key="10:12"), None), 300)
    assert {"2.5e-04", "5.0e-04"} <= set(rows_of(lines)["layer 0 · 0"])  # 1 / 4,000, and both keys together


def test_a_number_of_exactly_one_last_decimal_is_written_with_decimals(measured, rendered):
    array = numpy.zeros((1000, 1))
    trace = Trace(tuple(map(str, range(1000))), (Layer(array, array, array),))
    lines = rendered(to_renderable(measured(trace, query="0:1", key="10:11"), None), 300)
    words = rows_of(lines)["layer 0 · 0"]
    assert "0.001" in words  # 1 / 1,000
    assert not any("e" in word for word in words)


@pytest.mark.parametrize("language", list(Language))
def test_below_the_table_stands_what_each_column_is(measured, rendered, language):
    lines = rendered(to_renderable(measured(), None, lessons(language)), 200)
    [header] = [line for line in lines if line.startswith(lessons(language).say("stats.head"))]
    columns = [Metric(name) for name in header.partition("│")[2].split()]
    assert lines[-1 - len(columns) :] == ["", *footnotes(columns, lessons(language))]


def test_the_mass_is_a_column_where_a_head_lacks_some_or_it_is_sorted_by(measured, rendered):
    for statistics, sort, there in (
        (measured(), None, False),
        (measured(), Metric.MASS, True),
        (measured(key="1:3"), None, True),
    ):
        [header] = [line for line in rendered(to_renderable(statistics, sort), 200) if line.startswith("head")]
        assert ("mass" in header) == there


def test_columns_are_tinted_from_their_smallest_value_to_their_largest(measured, console):
    target = console(200, "truecolor")
    segments = [one for line in target.render_lines(to_renderable(measured(), None), pad=False) for one in line]
    tints = [one.style.bgcolor for one in segments if one.style and one.style.bgcolor]
    assert len(tints) == 2 * (len(Metric) - 1)
    assert len(set(tints)) == 2  # of two heads one is the smallest, one the largest
