"""The file of --by-text: rows of the very texts, beside the result on standard output."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pandas
import pytest
from command_line import attnviz as run

from attnviz.analysis.corpus import Statistics
from attnviz.cli.options.corpus import CorpusOptions
from attnviz.cli.options.source import SourcesOptions
from attnviz.cli.options.stats import StatsOptions
from attnviz.cli.output.by_text import require_rows, rows_written


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in.txt").write_text("a b a\nthe cat sat\n\nx y\n")


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.jsonl"])
def test_the_means_of_the_rows_are_the_result(name):
    result = run("stats", "--lines", "--file", "in.txt", "--heads", 2, "--by-text", name, "--format", "json")
    assert result.code == 0
    assert f"attnviz: a row for each text and head: {name}" in result.stderr
    read = {
        "csv": pandas.read_csv,
        "parquet": pandas.read_parquet,
        "jsonl": lambda path: pandas.read_json(path, lines=True),
    }
    frame = read[Path(name).suffix[1:]](name)
    assert list(frame["text"]) == ["line 1"] * 2 + ["line 2"] * 2 + ["line 4"] * 2
    assert list(frame["tokens"]) == [3, 3, 3, 3, 2, 2]
    for head in json.loads(result.stdout)["heads"]:
        of_head = frame[frame["head"] == head["head"]]
        for metric, value in head["metrics"].items():
            assert of_head[metric].count() == value["count"]
            if value["count"]:
                assert of_head[metric].mean() == pytest.approx(value["mean"])


def test_one_text_has_rows_too():
    assert run("stats", "a b", "--by-text", "rows.csv").code == 0
    assert len(Path("rows.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--by-text", "rows.txt"), "rows.txt: its suffix is not one of .parquet, .csv, .jsonl"),
        (("--by-text", "rows.csv", "-o", "./rows.csv"), "--by-text and -o name the same file: rows.csv"),
        (("--lines", "--file", "in.csv", "--by-text", "in.csv"), "--by-text and --file name the same file: in.csv"),
    ],
)
def test_a_file_that_cannot_be_is_refused_before_anything_is_measured(arguments, message):
    Path("in.csv").write_text("a b\n")
    result = run("stats", *arguments)
    assert (result.code, result.stdout) == (2, b"")
    assert message in result.stderr
    assert Path("in.csv").read_text() == "a b\n"


def test_a_folder_that_is_not_there_is_one_line():
    result = run("stats", "a b", "--by-text", "no/rows.csv")
    assert (result.code, result.stderr) == (1, "attnviz: no/rows.csv: its folder does not exist\n")


def test_without_a_file_nothing_is_refused_or_written():
    require_rows(CorpusOptions(), SourcesOptions(), StatsOptions())
    with rows_written(CorpusOptions(), Statistics()) as write:
        assert write(()) is None


def test_a_text_that_was_counted_when_the_run_was_interrupted_has_its_rows(monkeypatch):
    """Ctrl-C between the two: as many texts are in the file as the result is of."""
    take, seen = Statistics.take, []

    def interrupted(self, *given):
        take(self, *given)
        seen.append(given)
        if len(seen) == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Statistics, "take", interrupted)
    result = run("stats", "--lines", "--file", "in.txt", "--by-text", "rows.csv")
    assert result.code == 130
    assert result.lines[0].startswith("texts: 2 ")
    assert "interrupted after 2 of 3 texts" in result.stderr
    assert list(pandas.read_csv("rows.csv")["text"]) == ["line 1", "line 2"]
