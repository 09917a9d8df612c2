"""attnviz stats --merge: parts of a corpus, joined, in every format; what does not belong together is one line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from command_line import attnviz as run
from numpy.testing import assert_allclose

LINES = ["the cat sat on the cat", "a b a b", "one step and one step", "Your journey starts"]


@pytest.fixture(autouse=True)
def parts(tmp_path, monkeypatch):
    """Two parts of four lines, and the whole."""
    monkeypatch.chdir(tmp_path)
    for name, lines in (("a", LINES[:3]), ("b", LINES[3:]), ("ab", LINES)):
        Path(f"{name}.txt").write_text("\n".join(lines))
        measure(name, "--heads", "2")
    return tmp_path


def measure(name, *more):
    result = run("stats", "--lines", "--file", f"{name}.txt", "-o", f"{name}.stats", *more)
    assert (result.code, result.stdout) == (0, f"{name}.stats\n".encode())


def rows(*arguments):
    result = run("stats", *arguments, "--format", "csv")
    assert (result.code, result.stderr) == (0, "")
    return list(csv.DictReader(result.stdout.decode().splitlines()))


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_what_comes_out_is_one_run_over_all_texts(order):
    merged = rows("--merge", *(f"{name}.stats" for name in order))
    whole = rows("--lines", "--file", "ab.txt", "--heads", "2")
    assert len(merged) == len(whole) == 24
    for one, other in zip(merged, whole, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            if name in ("mean", "deviation", "threshold") and other[name]:
                assert_allclose(float(one[name]), float(other[name]), rtol=1e-11, atol=1e-12)
            else:
                assert one[name] == other[name]


def test_every_format_is_there():
    for form in ("table", "json", "csv"):
        result = run("stats", "--merge", "a.stats", "b.stats", "--format", form)
        assert result.code == 0
        assert b"entropy" in result.stdout
    assert json.loads(run("stats", "--merge", "a.stats", "b.stats", "--format", "json").stdout)["texts"] == 4
    result = run("stats", "--merge", "a.stats", "b.stats", "--metric", "entropy", "-o", "e.svg")
    assert (result.code, result.stdout) == (0, b"e.svg\n")
    result = run("stats", "--merge", "a.stats", "b.stats", "-o", "both.stats")
    assert (result.code, result.stdout) == (0, b"both.stats\n")
    assert rows("--merge", "both.stats") == rows("--merge", "a.stats", "b.stats")


def test_sorting_thresholds_and_quantiles_may_be_chosen_anew():
    for name in ("a", "b"):
        measure(name, "--heads", "2", "--quantiles", "0.5")
    table = rows("--merge", "a.stats", "b.stats", "--sort", "largest", "--threshold", "broad=0.1", "--quantiles", "0,1")
    heads = [(row["head"], float(row["mean"])) for row in table if row["metric"] == "largest"]
    assert heads == sorted(heads, key=lambda one: -one[1])
    assert {row["threshold"] for row in table if row["metric"] == "evenness"} == {"0.1"}
    assert all(
        float(row["quantile_0.0"]) <= float(row["mean"]) + 1e-6 <= float(row["quantile_1.0"]) + 2e-6
        for row in table
        if row["mean"]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--merge", "a.stats", "--near", 3), "--merge joins what has been measured, and --near says what to measure"),
        (("--merge", "a.stats", "--layer", 0), "and --layer says what to measure"),
        (("--merge", "a.stats", "--from", "a.npz"), "and --from says what to measure"),
        (("--merge", "a.stats", "--top-texts", 2), "and --top-texts says what to measure"),
        (("--merge", "a.stats", "--model", "tiny"), "and --model says what to measure"),
        (("hello", "--merge", "a.stats"), "--merge joins .stats files, and reads no text"),
        (("--merge", "a.stats", "--metric", "entropy", "--format", "csv"), "--metric draws a map, but csv holds all metrics"),
        (("--merge", "a.stats", "--quantiles", "2"), "expected numbers from 0 to 1"),
        (("--merge",), "Option '--merge' requires an argument"),
    ],
)  # fmt: skip
@pytest.mark.some(3)
def test_what_says_how_to_measure_is_wrong_usage(arguments, message):
    result = run("stats", *arguments)
    assert (result.code, result.stdout) == (2, b"")
    assert message in result.stderr


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (("a.stats", "a.stats"), "a.stats holds the same as a.stats: each text would count twice"),
        (("a.stats", "none.stats"), "none.stats does not exist"),
        (("a.stats", "a.txt"), "a.txt is no .stats file, or cut short"),
        (("a.stats", "near.stats"), "near.stats: they cannot be merged: near is 8 in one and 3 in the other"),
        (("a.stats", "causal.stats"), "causal.stats: they cannot be merged: causal is not set in one and True in the other"),
        (("a.stats", "cut.stats"), "cut.stats is no .stats file, or cut short"),
    ],
)  # fmt: skip
@pytest.mark.some(2)
def test_what_does_not_belong_together_is_one_line(files, message):
    Path("cut.stats").write_bytes(Path("a.stats").read_bytes()[:-9])
    for name, more in (("near", ("--near", 3)), ("causal", ("--causal",))):
        run("stats", "x y", "--heads", 2, *more, "-o", f"{name}.stats")
    result = run("stats", "--merge", *files, "-o", "out.csv")
    assert (result.code, result.stdout) == (1, b"")
    assert result.stderr.splitlines()[0] == f"attnviz: {message}"
    assert not Path("out.csv").exists()


def test_effects_have_a_table_and_a_map_of_their_own():
    from made_effects import gathered, made_effects

    for name, loss in (("c", 3.5), ("d", 1.5)):
        Path(f"{name}.stats").write_bytes(gathered(made_effects(loss=loss)).to_bytes())
    result = run("stats", "--merge", "c.stats", "d.stats", "--format", "json", "--sort", "loss")
    assert (result.code, json.loads(result.stdout)["texts"]) == (0, 2)
    assert run("stats", "--merge", "c.stats", "d.stats", "--metric", "effect", "-o", "e.svg").code == 0
    assert run("stats", "--merge", "c.stats", "d.stats", "-o", "e.stats").code == 0
    wrong = run("stats", "--merge", "c.stats", "d.stats", "--metric", "entropy", "-o", "e.png")
    assert (wrong.code, "effects of heads, which have no entropy" in wrong.stderr) == (2, True)
    mixed = run("stats", "--merge", "a.stats", "c.stats")
    assert mixed.stderr.startswith("attnviz: c.stats: it holds statistics of effects, and the others of weights")
