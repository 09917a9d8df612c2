"""stats: what each head does, as a table, as data, as a map; over one text, over many, and interrupted."""

from __future__ import annotations

import csv
import json
import select
import signal

import pytest
from command_line import attnviz, done, problem, started
from tiny_models import saved

from attnviz.choices import Metric

TEXT = "the cat sat on the mat and the cat slept"


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return saved("Llama", tmp_path_factory.mktemp("llama"))


def heads(*arguments, **options):
    return json.loads(done("stats", *arguments, "--format", "json", **options).text)


def test_the_table_has_a_row_a_head_and_a_column_a_metric():
    lines = done("stats", TEXT, "--heads", 3, "--causal").lines
    assert lines[0] == "texts: 1 · tokens: 10"
    assert [line.split(" │")[0].strip() for line in lines[5:]] == ["layer 0 · 0", "layer 0 · 1", "layer 0 · 2"]
    assert lines[3].split("│")[1].split() == [metric.value for metric in Metric]


@pytest.mark.parametrize("metric", Metric)
def test_the_table_is_sorted_by_any_metric(metric):
    values = [
        head["metrics"][metric.value]["mean"]
        for head in heads(TEXT, "--heads", 4, "--causal", "--sort", metric)["heads"]
    ]
    assert values == sorted(values, reverse=True)


def test_the_three_formats_hold_the_same(folder):
    arguments = (TEXT, "--heads", 2, "--causal")
    from_json = heads(*arguments)["heads"]
    rows = list(csv.DictReader(done("stats", *arguments, "--format", "csv").lines))
    assert len(rows) == 2 * len(Metric)
    for row in rows:
        known = from_json[int(row["head"])]["metrics"][row["metric"]]
        assert float(row["mean"]) == known["mean"]
        assert (row["deviation"], int(row["count"])) == ("", known["count"])
    done("stats", *arguments, "-o", "stats.csv")
    assert list(csv.DictReader((folder / "stats.csv").read_text().splitlines())) == rows


def test_many_texts_in_any_order(folder):
    texts = ["the cat sat on the mat", "Your journey starts", "one step and one step"]
    (folder / "texts.txt").write_text("\n".join(texts))
    together = heads("--lines", "--file", "texts.txt", "--heads", 2)
    reversed_ = heads("--lines", "--heads", 2, stdin="\n".join(reversed(texts)).encode())
    assert together["texts"] == 3
    for one, other in zip(together["heads"], reversed_["heads"], strict=True):
        for metric, value in one["metrics"].items():
            assert other["metrics"][metric] == pytest.approx(value)
    entropies = [heads(text, "--heads", 2)["heads"][0]["metrics"]["entropy"]["mean"] for text in texts]
    assert together["heads"][0]["metrics"]["entropy"]["mean"] == pytest.approx(sum(entropies) / 3)
    assert together["heads"][0]["metrics"]["entropy"]["count"] == 3
    assert " ± " in done("stats", "--lines", "--file", "texts.txt").text


def test_a_model_is_measured_and_how_exactly_is_said(llama):
    result = heads(TEXT, "--model", llama)
    assert len(result["heads"]) == 8
    assert 0 < result["largest_error"] < 1e-5
    assert "ids" not in result["source"]
    assert len(heads(TEXT, "--model", llama, "--layer", 1, "--head", "0,2")["heads"]) == 2
    assert "recomputed to within" in done("stats", TEXT, "--model", llama).lines[0]
    done("capture", TEXT, "--model", llama, "-o", "t.safetensors")
    for ours, theirs in zip(heads("--from", "t.safetensors")["heads"], result["heads"], strict=True):
        for metric in Metric:
            assert ours["metrics"][metric]["mean"] == pytest.approx(theirs["metrics"][metric]["mean"], abs=1e-5)


def test_a_map_of_one_metric(llama, folder):
    assert done("stats", TEXT, "--model", llama, "--metric", "previous", "-o", "map.svg").text == "map.svg\n"
    drawn = (folder / "map.svg").read_text()
    assert all(word in drawn for word in ("Weight on the token before", "layer 0", "layer 1", ">head<", ">layer<"))
    done("stats", TEXT, "--heads", 3, "--metric", "induction")
    assert (folder / "heads.png").read_bytes().startswith(b"\x89PNG")
    assert done("stats", "a b c", "--metric", "duplicate", "--format", "svg", "-o", "-").stdout.startswith(b"<?xml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "map.png"), "a map shows one metric, and none is named"),
        (("--metric", "first", "--format", "json"), "--metric draws a map, but json holds all metrics"),
        (("-o", "map.txt", "--metric", "first"), "--metric draws a map, but table holds all metrics"),
        (
            ("-o", "trace.safetensors"),
            "trace.safetensors: its suffix is not one of .txt, .json, .jsonl, .csv, .png, .svg, .pdf",
        ),
    ],
)
def test_formats_that_do_not_fit(arguments, message):
    assert problem(attnviz("stats", TEXT, *arguments), 2) == message


def test_an_unknown_metric_is_told_with_those_there_are():
    assert "nonsense" in problem(attnviz("stats", TEXT, "--sort", "nonsense"), 2)


def test_a_bad_line_is_named():
    assert problem(attnviz("stats", "--lines", "--file", "-", stdin=b"a b\n\xff\n"), 1).startswith(
        "standard input, line 2"
    )


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_an_interrupted_run_shows_what_it_has(form):
    with started("stats", "--lines", "--format", form) as process:
        process.stdin.write(b"the cat sat\nYour journey starts\n")
        process.stdin.flush()
        assert not select.select([process.stdout], [], [], 3)[0]  # it reads on
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr.decode() == "attnviz: interrupted: this is of 2 texts\n"
    if form == "json":
        result = json.loads(stdout)
        assert (result["texts"], result["partial"]) == (2, True)
    elif form == "table":
        assert "partial: interrupted before the last text" in stdout.decode()
    else:
        assert len(stdout.decode().splitlines()) == 1 + len(Metric)


def test_a_run_interrupted_before_its_first_text_shows_nothing():
    with started("stats", "--lines") as process:
        assert not select.select([process.stdout], [], [], 2)[0]
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (130, b"")
