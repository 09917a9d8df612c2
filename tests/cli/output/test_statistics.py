"""Statistics as they are written: each format by what it holds, and the terminal spared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_corpora import measured
from made_effects import gathered

from attnviz.analysis.corpus import Statistics
from attnviz.analysis.effect_corpus import EffectStatistics
from attnviz.choices import Effect
from attnviz.cli.options.stats import Measured, Sorted, StatsOptions
from attnviz.cli.output.formats import StatsFormat
from attnviz.cli.output.statistics import effects_format, effects_sort, heads_format, write_effects, write_heads
from attnviz.errors import UsageError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def options(**given) -> StatsOptions:
    return StatsOptions(**{"output": None, "format": None, "metric": None, "sort": None} | given)


def test_weights_are_written_in_every_format():
    statistics = measured([1, 2])
    for form in StatsFormat:
        shown = options(output=Path(f"a.{form.value}"), metric=Measured.ENTROPY)
        write_heads(statistics, form, shown)
    assert json.loads(Path("a.json").read_text())["texts"] == 2
    assert Statistics.from_bytes(Path("a.stats").read_bytes(), "a.stats").texts == 2
    assert Path("a.csv").read_text().startswith("layer,name,head,metric")
    assert "entropy" in Path("a.table").read_text()
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")


def test_effects_are_written_in_every_format():
    for form in StatsFormat:
        write_effects(gathered(), form, None, options(output=Path(f"a.{form.value}")))
    assert json.loads(Path("a.json").read_text())["texts"] == 1
    assert EffectStatistics.from_bytes(Path("a.stats").read_bytes(), "a.stats").texts == 1
    assert Path("a.csv").read_text().startswith("layer,name,head,metric")
    assert "loss" in Path("a.table").read_text()
    assert Path("a.svg").read_text().startswith("<?xml")


def test_the_format_is_a_table_or_with_a_metric_a_picture():
    assert heads_format(options()) is StatsFormat.TABLE
    assert heads_format(options(metric=Measured.ENTROPY, output=Path("a.svg"))) is StatsFormat.SVG
    assert heads_format(options(output=Path("a.stats"))) is StatsFormat.STATS
    assert effects_format(options(output=Path("a.png"))) is StatsFormat.PNG
    with pytest.raises(UsageError, match="a map shows one metric, and none is named"):
        heads_format(options(output=Path("a.png")))
    with pytest.raises(UsageError, match="--metric draws a map, but stats holds all metrics"):
        heads_format(options(metric=Measured.ENTROPY, output=Path("a.stats")))


@pytest.mark.parametrize("form", [StatsFormat.STATS, StatsFormat.PDF])
def test_no_terminal_gets_bytes(monkeypatch, form):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with pytest.raises(UsageError, match=form.value.upper()):
        effects_format(options(format=form, output=Path("-")))


def test_effects_are_sorted_by_effects():
    assert effects_sort(options()) is None
    assert effects_sort(options(sort=Sorted.KL)) is Effect.KL
    with pytest.raises(UsageError, match="--sort entropy is for weights"):
        effects_sort(options(sort=Sorted.ENTROPY))
