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
from command_line import attnviz, done, in_terminal, problem, without_escapes
from rich.cells import cell_len

from attnviz import Layer, Rule, Trace
from attnviz.attention import memory

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


def weights_on(path, head, key):
    """What each query gives to one key: NumPy's softmax of all rows, in double precision."""
    from attnviz import load

    [layer] = load(path).layers
    scores = layer.query[head].astype(float) @ layer.key[0].T.astype(float) / 8**0.5
    exponentials = numpy.tril(numpy.exp(scores))
    return exponentials[:, key] / exponentials.sum(axis=1)


@pytest.mark.parametrize("options", [("--key", "@2000"), ("--key", "200", "--top", "25")])
def test_explain_shows_who_looks_at_a_key(trace, options):
    lines = done("explain", "--from", trace, "--head", "1", "--precision", "8", *options).lines
    key = int(options[1].removeprefix("@"))
    weights = weights_on(trace, 1, key)
    rows = [line for line in lines if " @" in line.partition("│")[0]]
    top = numpy.argsort(-weights)[: int(options[-1]) if "--top" in options else 10]
    assert [int(row.split("@")[1].split()[0]) for row in rows] == top.tolist()
    numpy.testing.assert_allclose([float(row.split()[-1]) for row in rows], weights[top], atol=1e-7)
    [rest] = [line for line in lines if line.startswith(f"{COUNT - key - len(top):,} others")]
    assert float(rest.split()[-1]) == pytest.approx(weights.sum() - weights[top].sum(), abs=1e-6)
    [sentence] = [line for line in lines if line.startswith("Queries that see it: ")]
    seen, mass, mean = re.match(r".*?: ([\d,]+)\. Together they give it (\S+), on average (\S+);", sentence).groups()
    assert int(seen.replace(",", "")) == COUNT - key
    assert float(mass) == pytest.approx(weights.sum(), abs=0.005)
    assert float(mean) == pytest.approx(weights.sum() / (COUNT - key), rel=0.05)


def test_the_last_key_of_a_causal_text_is_seen_by_the_last_query_alone(trace):
    lines = done("explain", "--from", trace, "--head", "0", "--key", f"@{COUNT - 1}").lines
    assert [line.split()[1] for line in lines if " @" in line.partition("│")[0]] == [f"@{COUNT - 1}"]
    assert not any("others" in line for line in lines)


@pytest.mark.parametrize("side", ["--query", "--key"])
@pytest.mark.parametrize("columns", [80, 40])
def test_the_largest_weights_fit_a_terminal(trace, side, columns):
    result = in_terminal("explain", "--from", trace, side, "@1500", columns=columns)
    assert (result.code, result.stderr) == (0, "")
    lines = without_escapes(result.text).splitlines()
    assert " attnviz heatmap --from " in lines.pop()  # a command to copy, which is not broken
    assert max(map(cell_len, lines)) <= columns
    assert sum("others │" in line for line in lines) >= 2  # one a head


def test_no_small_weight_of_a_long_text_is_shown_as_0(tmp_path):
    """One key takes nearly all of each query: the others' shares are far below four decimals."""
    array = numpy.zeros((1, COUNT, 1))
    query, key = array + 1, array.copy()
    key[0, 7], key[0, 9] = 20, 9
    Trace(("word",) * COUNT, (Layer(query, key, array, Rule(scale=1.0)),)).save(tmp_path / "sharp.safetensors")
    whole = numpy.exp(20) + numpy.exp(9) + COUNT - 2
    arguments = ("--from", tmp_path / "sharp.safetensors", "--step", "weights")
    rows = [line.split() for line in done("explain", *arguments, "--query", "@5").lines if " @" in line]
    for row, logit in zip(rows, [20, 9, *[0] * 8], strict=True):
        assert float(row[-1]) == pytest.approx(numpy.exp(logit) / whole, rel=0.05)
    rows = [line.split() for line in done("explain", *arguments, "--key", "@9").lines if " @" in line]
    assert [float(row[-1]) for row in rows] == [pytest.approx(numpy.exp(9) / whole, rel=0.05)] * 10


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
    monkeypatch.setattr(memory, "_limits", lambda: (1 << 29, {}))
    message = problem(attnviz("explain", "--from", trace, "--format", form), 1)
    assert message.startswith(f"{form.upper()} of 4 steps of 18,000,000 pairs of a query and a key needs")


def test_one_query_of_a_long_text_as_csv(trace):
    text = done("explain", "--from", trace, "--format", "csv", "--step", "weights", "--head", "0", "--query", "@7").text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["query"], row["query_token"]) for row in rows] == [("7", "w7")] * COUNT
    numpy.testing.assert_allclose([float(row["value"]) for row in rows], weights_of(trace, 0, 7), rtol=1e-6)


def test_one_key_of_a_long_text_as_csv(trace):
    """Its column, its Key and its Value, and nothing else; and without the map that would not fit into memory."""
    text = done("explain", "--from", trace, "--format", "csv", "--head", "0", "--key", "@7").text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {(row["key"], row["key_token"]) for row in rows} == {("7", "w7")}
    assert {row["step"] for row in rows} == {"key", "value", "scores", "scaled", "masked", "weights"}
    column = [row for row in rows if row["step"] == "weights"]
    assert [int(row["query"]) for row in column] == list(range(COUNT))
    expected = [weights_of(trace, 0, query)[7] for query in (7, 8, 2999)]
    numpy.testing.assert_allclose([float(column[query]["value"]) for query in (7, 8, 2999)], expected, rtol=1e-5)


def test_one_key_of_a_text_that_fills_the_memory_as_csv(trace, monkeypatch):
    monkeypatch.setattr(memory, "_limits", lambda: (1 << 29, {}))
    assert attnviz("explain", "--from", trace, "--format", "csv", "--key", "@7", "--step", "weights").code == 0


def test_heatmap_names_the_region_and_the_cells(trace):
    region = "--query", "2000:2010", "--key", ":1500"
    svg = done("heatmap", "--from", trace, "--head", "0", *region, "--pool", "max", "-o", "-", "--format", "svg").text
    svg = " ".join(re.findall("<text[^>]*>([^<]*)<", svg))
    assert "queries 2,000–2,009, keys 0–1,499, 10 × 750 cells of 1 × 2 tokens, max" in svg


def test_the_terminal_shows_positions(trace):
    lines = done("heatmap", "--from", trace, "--head", "0", "--format", "term").lines
    assert "150 × 150 cells of 20 × 20 tokens, mean" in lines[0]
    assert any(line.split()[:1] == ["1,000"] for line in lines)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--query", "the"), 1, "no query token the: there are w0 (0)"),
        (("--key", "0:9999"), 1, "--key 0:9999: there are 3,000 keys, at the positions 0 to 2,999"),
        (("--key", "5000:"), 1, "--key 5000:: there are 3,000 keys, at the positions 0 to 2,999"),
        (("--query", "0:9", "-o", "x.safetensors"), 2, "--query chooses what is shown"),
        (("--pool", "median"), 2, "'median' is not one of mean, max"),
    ],
)
def test_regions_that_are_none(trace, arguments, code, message):
    assert message in problem(attnviz("heatmap", "--from", trace, *arguments), code)


@pytest.mark.parametrize("side", ["query", "key"])
@pytest.mark.parametrize("wanted", ["60000", "@60000"])
def test_a_position_beyond_the_text_is_told_with_the_range(trace, side, wanted):
    result = attnviz("explain", "--from", trace, f"--{side}", wanted)
    several = {"query": "queries", "key": "keys"}[side]
    assert problem(result, 1) == f"no {side} {wanted}: there are 3,000 {several}, at the positions 0 to 2,999"
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux says how much it took")
@pytest.mark.parametrize(
    "command",
    [
        ("heatmap", "-o", "x.png"),
        ("heatmap", "-o", "x.png", "--position", "alibi", "--heads", "4"),
        ("stats",),
        ("explain", "--key", "@500"),
    ],
)
def test_memory_stays_far_below_that_of_all_pairs(command, folder):
    text = " ".join(f"w{place % 997}" for place in range(8_000))  # 244 MiB of weights in single precision
    (folder / "text.txt").write_text(text)
    code = "import sys; from attnviz.cli.app import main; main(sys.argv[1:]); print(open('/proc/self/status').read())"
    run = subprocess.run(
        [sys.executable, "-c", code, *command, "--file", "text.txt", "--causal"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(re.findall(r"VmHWM:\s+(\d+) kB", run.stdout)[0]) < 220 * 1024


@pytest.mark.slow
def test_a_million_tokens_are_explained(folder):
    (folder / "million.txt").write_text("x " * 1_000_000)
    assert "999,990 others" in done("explain", "--file", "million.txt", "--query", "@999999").text


INTERRUPTED = """
import os, signal, time
from attnviz.__main__ import run
from attnviz.pooling import array_engine as blocks

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
