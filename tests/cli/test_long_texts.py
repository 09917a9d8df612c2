"""Texts that are too long for a table or a picture of all pairs: what each command makes of them, in little memory."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys

import numpy
import pytest
from command_line import attnviz, done, problem

from attnviz import Layer, Rule, Trace

COUNT = 3000


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    """A saved trace of 3,000 tokens, two heads on one key/value head, causal."""
    random = numpy.random.default_rng(0)
    query = random.standard_normal((2, COUNT, 8), dtype=numpy.float32)
    key, value = random.standard_normal((2, 1, COUNT, 8), dtype=numpy.float32)
    path = tmp_path_factory.mktemp("long") / "long.safetensors"
    Trace(tuple(f"w{place}" for place in range(COUNT)), (Layer(query, key, value, Rule(causal=True)),)).save(path)
    return path


def weights_of(path, head, query):
    from attnviz import load

    return load(path).layers[0].steps(head, query).weights[0]


def test_explain_shows_the_top_keys_of_a_query_and_what_the_rest_share(trace):
    lines = done("explain", "--from", trace, "--head", "1", "--query", "@2000", "--precision", "6").lines
    weights = weights_of(trace, 1, 2000)
    top = numpy.argsort(-weights)[:10]
    rows = [line for line in lines if " @" in line.partition("│")[0]]
    assert [int(row.split("@")[1].split()[0]) for row in rows] == top.tolist()
    shown = [float(row.split()[-1]) for row in rows]
    numpy.testing.assert_allclose(shown, weights[top], atol=1e-6)
    [rest] = [line for line in lines if line.startswith("1,991 others")]
    assert float(rest.split()[-1]) == pytest.approx(1 - weights[top].sum(), abs=1e-5)


def test_top_counts_the_keys_of_short_texts_too():
    lines = done("explain", "Your journey starts", "--top", "1", "--query", "journey", "--step", "weights", "-q").lines
    assert sum(" @" in line.partition("│")[0] for line in lines) == 1
    assert any(line.startswith("2 others") for line in lines)


def test_without_a_query_some_are_chosen_and_that_is_said(trace):
    text = done("explain", "--from", trace, "--head", "0").text
    assert [f"position {place:,}" in text for place in (749, 1499, 2249, 2999)] == [True] * 4
    assert "here are some Queries" in text


def test_a_table_of_what_no_row_has_is_refused(trace):
    assert "top keys" in problem(attnviz("explain", "--from", trace, "--step", "value"), 1)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_top_is_of_tables(form):
    assert problem(attnviz("explain", "a b", "--top", "3", "--format", form), 2).startswith("--top is for tables")


@pytest.mark.parametrize("form", ["json", "csv"])
def test_data_that_would_fill_the_memory_are_refused_before_they_are_computed(trace, form, monkeypatch):
    monkeypatch.setattr("attnviz.arrays._physical_memory", lambda: 1 << 29)
    message = problem(attnviz("explain", "--from", trace, "--format", form), 1)
    assert message.startswith(f"{form.upper()} of 4 steps of 18,000,000 pairs of a query and a key needs")


def test_one_query_of_a_long_text_as_csv(trace):
    text = done("explain", "--from", trace, "--format", "csv", "--step", "weights", "--head", "0", "--query", "@7").text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["query"], row["query_token"]) for row in rows] == [("7", "w7")] * COUNT
    numpy.testing.assert_allclose([float(row["value"]) for row in rows], weights_of(trace, 0, 7), rtol=1e-6)


def test_heatmap_names_the_region_and_the_cells(trace):
    region = "--query", "2000:2010", "--key", ":1500"
    svg = done("heatmap", "--from", trace, "--head", "0", *region, "--pool", "max", "-o", "-", "--format", "svg").text
    assert "queries 2,000–2,009, keys 0–1,499, 10 × 750 cells of 1 × 2 tokens, max" in svg


def test_the_terminal_shows_positions(trace):
    lines = done("heatmap", "--from", trace, "--head", "0", "--format", "term").lines
    assert "150 × 150 cells of 20 × 20 tokens, mean" in lines[0]
    assert any(line.split()[:1] == ["1,000"] for line in lines)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--query", "the"), 2, "--query the: expected positions A:B"),
        (("--key", "0:9999"), 1, "--key 0:9999: there are 3,000"),
        (("--query", "0:9", "-o", "x.safetensors"), 2, "--query chooses what is shown"),
        (("--pool", "median"), 2, "'median' is not one of mean, max"),
    ],
)
def test_regions_that_are_none(trace, arguments, code, message):
    assert message in problem(attnviz("heatmap", "--from", trace, *arguments), code)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux says how much it took")
@pytest.mark.parametrize("command", [("heatmap", "-o", "x.png"), ("stats",)])
def test_memory_stays_far_below_that_of_all_pairs(command, folder):
    text = " ".join(f"w{place % 997}" for place in range(12_000))  # 576 MiB of weights in single precision
    (folder / "text.txt").write_text(text)
    code = "import sys; from attnviz.cli import main; main(sys.argv[1:]); print(open('/proc/self/status').read())"
    run = subprocess.run(
        [sys.executable, "-c", code, *command, "--file", "text.txt", "--causal"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(re.findall(r"VmHWM:\s+(\d+) kB", run.stdout)[0]) < 300 * 1024


def test_a_million_tokens_are_explained(folder):
    (folder / "million.txt").write_text("x " * 1_000_000)
    assert "999,990 others" in done("explain", "--file", "million.txt", "--query", "@999999").text


INTERRUPTED = """
import os, signal, time
from attnviz.__main__ import run
from attnviz.pooling import blocks

usual, calls = blocks._pool_rows, []

def interrupted(*given):
    calls.append(given)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)  # until the main thread has heard it
    usual(*given)

blocks._pool_rows = interrupted
run()
"""


def test_an_interruption_while_pooling_leaves_nothing(folder):
    (folder / "text.txt").write_text(" ".join(f"w{place % 997}" for place in range(60_000)))
    program = (sys.executable, "-c", INTERRUPTED, "heatmap")
    run = subprocess.run(
        [*program, "--file", "text.txt", "--heads", "4", "-o", "never.png"], capture_output=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (130, b"", b"")
    assert [path.name for path in folder.iterdir()] == ["text.txt"]
