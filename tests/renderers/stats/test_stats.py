"""What Python gets of statistics: text, records, tables of other libraries."""

from __future__ import annotations

import csv
import io
import math
import sys

import pytest

from attnviz import AttnvizError, trace_text
from attnviz.analysis.metrics import Metric
from attnviz.choices import Language
from attnviz.renderers.stats.head_csv import COLUMNS
from attnviz.renderers.stats.head_html import to_html
from attnviz.renderers.stats.head_table import to_renderable
from attnviz.renderers.stats.stats import Stats
from attnviz.text.lessons import lessons


def test_it_prints_the_table_in_its_language_and_order(measured, rendered):
    statistics = measured()
    ours = Stats(statistics, Metric.ENTROPY, Language.VI)
    table = to_renderable(statistics, Metric.ENTROPY, lessons(Language.VI))
    assert str(ours).splitlines() == rendered(table, 500) == rendered(ours, 500)
    assert repr(ours) == "Stats(2 heads, 12 metrics, 1 text; print() shows it)"
    assert len(ours) == 2


def test_the_records_are_the_rows_of_the_csv(measured):
    ours = Stats(measured(trace_text("the cat sat"), trace_text("a dog")), Metric.FIRST)
    rows = list(csv.DictReader(io.StringIO(ours.to_csv())))
    assert list(ours.records[0]) == list(COLUMNS)
    assert [{name: "" if value is None else str(value) for name, value in one.items()} for one in ours.records] == rows
    assert any(record["mean"] is None for record in ours.records)  # no token comes twice


def test_a_metric_is_drawn_as_a_map(measured, tmp_path):
    ours = Stats(measured(), language=Language.VI)
    figure = ours.heatmap("first", tmp_path / "first.svg")
    assert figure.drawing.picture.title == lessons(Language.VI).say("metric.first")
    assert (tmp_path / "first.svg").read_bytes() == figure.drawing.drawn("svg")
    assert ours.heatmap("first", title="mine").drawing.picture.title == "mine"
    with pytest.raises(AttnvizError, match="metric is 'size': measured are entropy, "):
        ours.heatmap("size")


def test_a_notebook_shows_the_table(measured):
    ours = Stats(measured(), Metric.FIRST, Language.VI)
    assert ours._repr_html_() == to_html(ours.statistics, Metric.FIRST, lessons(Language.VI))


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_a_table_of_another_library_holds_the_records(measured, name):
    library = pytest.importorskip(name)
    ours = Stats(measured())
    table = getattr(ours, f"to_{name}")()
    assert isinstance(table, library.DataFrame)
    rows = table.to_dict("records") if name == "pandas" else table.to_dicts()
    assert [{k: _none(v) for k, v in row.items()} for row in rows] == ours.records
    assert list(table.columns) == list(COLUMNS)


def _none(value):
    return None if isinstance(value, float) and math.isnan(value) else value


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_a_library_that_is_not_installed_is_told_in_one_line(measured, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(AttnvizError, match=f"{name} is not installed") as caught:
        getattr(Stats(measured()), f"to_{name}")()
    assert caught.value.hint == f"pip install {name}, or take .records or .to_csv()"


def test_a_library_that_lacks_something_of_its_own_says_so_itself(measured, monkeypatch, tmp_path):
    (tmp_path / "pandas.py").write_text("import something_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    with pytest.raises(ModuleNotFoundError, match="something_that_is_not_there"):
        Stats(measured()).to_pandas()
    sys.modules.pop("pandas", None)
