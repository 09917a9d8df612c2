"""stats --needles: the table, data, and what is refused."""

from __future__ import annotations

import copying
import pytest
from command_line import attnviz as run
from command_line import done

import attnviz
from attnviz.cli.commands import stats_needles
from attnviz.sources import writers


@pytest.fixture(autouse=True)
def copier(monkeypatch):
    monkeypatch.setattr(stats_needles, "read_writer", lambda *_, **__: copying.writes)
    monkeypatch.setattr(writers, "writer", lambda *_, **__: copying.writes)


def test_each_format_is_what_python_has(folder):
    ours = attnviz.retrieval("copier", needles=2, needle_words=[30, 50], head="0,1")
    options = ("--needles", 2, "--needle-words", 30, "--needle-words", 50, "--head", "0,1", "--model", "copier")
    assert done("stats", *options).text == str(ours)
    assert done("stats", *options, "--format", "json").text == ours.to_json()
    assert done("stats", *options, "--format", "csv").text == ours.to_csv()
    assert done("stats", *options, "-o", "needles.csv").text == "needles.csv\n"
    assert (folder / "needles.csv").read_text() == ours.to_csv()
    assert "số câu chép được: 2 trên 2" in done("stats", "--needles", 2, "--model", "copier", "--lang", "vi").text


def test_a_haystack_and_a_threshold_of_ones_own(folder):
    (folder / "hay.txt").write_text("One two three four five. " * 30)
    options = ("--needles", 8, "--model", "copier", "--threshold", "retrieval=0.6")
    assert "(≥ 0.61)" in done("stats", *options, "--file", "hay.txt").text
    assert (
        done("stats", "One two three four five. " * 30, *options).text
        == done("stats", *options, "--file", "hay.txt").text
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--needles", 2), "--needles asks a model to write, and a toy writes nothing"),
        (("--needles", 2, "--model", "m", "--lines"), "--lines means nothing to --needles"),
        (("--needles", 2, "--model", "m", "--pool", "max"), "--pool means nothing to --needles"),
        (("--needles", 2, "--model", "m", "--skip-special"), "--skip-special means nothing to --needles"),
        (("--needles", 2, "--model", "m", "--chat"), "--chat means nothing to --needles"),
        (("--needles", 2, "--model", "m", "--metric", "first"), "--metric means nothing to --needles"),
        (("--needles", 2, "--model", "m", "-o", "a.png"), "--needles has no format png"),
        (("--needles", 2, "--model", "m", "--threshold", "local=0.5"), "--threshold local means nothing to --needles"),
        (("--needle-words", 50), "--needle-words is for --needles"),
        (("a b", "--threshold", "retrieval=0.5"), "--threshold retrieval is for --needles"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(arguments, message):
    result = run("stats", *arguments)
    assert result.code == 2
    assert message in result.stderr


def test_no_more_needles_than_there_are():
    assert run("stats", "--needles", 13, "--model", "m").code == 2
    assert "has 525 words" in run("stats", "--needles", 1, "--needle-words", 9000, "--model", "m").stderr
