"""diff: which heads of two traces, texts or models differ, as a table, as data, as a picture."""

from __future__ import annotations

import csv
import json
from xml.etree import ElementTree

import numpy
import pytest
from command_line import attnviz, done, in_terminal, problem, without_escapes

from attnviz import Layer, Trace, load, trace_text

TEXT = "the cat sat on the mat"


@pytest.fixture
def files(folder):
    for name, causal in (("causal", True), ("plain", False)):
        trace_text(TEXT, 4, causal=causal).save(folder / f"{name}.safetensors")
    return "causal.safetensors", "plain.safetensors"


def record(*arguments, **options):
    return json.loads(done("diff", *arguments, "--format", "json", **options).text)


def test_two_files(files):
    lines = done("diff", *files).lines
    assert lines[0] == "Pairs of heads, the furthest apart first: 4"
    assert lines[1].split() == ["left", "causal.safetensors", "·", *f"“{TEXT}”".split(), "·", "causal"]
    assert sum(line.startswith("layer 0 · ") for line in lines) == 4


def test_identical_files_differ_by_exactly_nothing(files):
    found = record(files[0], files[0])
    assert [(one["divergence"], one["largest"]) for one in found["heads"]] == [(0, None)] * 4
    assert done("diff", files[0], files[0]).lines[0].startswith("No difference")


def test_two_heads_of_one_file(files):
    found = record(files[0], "--left", "0.0", "--right", "0.3")
    assert [(one["left"], one["right"]) for one in found["heads"]] == [([0, 0], [0, 3])]


def test_two_texts_of_the_toy_and_of_a_model():
    for options in (("--heads", 4), ("--model", "tiny")):
        found = record("the queen met the actor", "the king met the actor", *options)
        assert found["aligned"] == [[0, 0], [2, 2], [3, 3], [4, 4]]
        assert found["unmatched"] == {"left": [1], "right": [1]}


def test_two_models_read_one_text():
    found = record("the queen met the actor", "--model", "tiny", "--model", "tiny")
    assert all(one["divergence"] == 0 for one in found["heads"])
    assert len(found["heads"]) == 8


def test_only_the_layers_that_are_named_are_kept():
    found = record("the queen met", "--model", "tiny", "--left", "0.1", "--right", "1.2")
    assert found["heads"][0]["names"] == {"left": "layer 0", "right": "layer 1"}
    found = record("the queen met", "the king met", "--model", "tiny", "--layer", "1", "--head", "0,2")
    assert sorted(one["left"] for one in found["heads"]) == [[1, 0], [1, 2]]


def test_standard_input_is_a_trace_or_a_text(files, folder):
    content = (folder / files[0]).read_bytes()
    assert record("-", files[1], stdin=content) == record(*files) | {
        "sources": record("-", files[1], stdin=content)["sources"]
    }
    found = record("-", "the king met", "--model", "tiny", stdin=b"the queen met")
    assert found["sources"]["left"]["tokens"] == ["the", "queen", "met"]
    found = record("--model", "tiny", "--model", "tiny", stdin=b"the queen met")
    assert found["sources"]["right"]["tokens"] == ["the", "queen", "met"]


def test_arrays_weights_alone_and_another_rule(folder):
    draw = numpy.random.default_rng(0)
    arrays = {name: draw.standard_normal((2, 5, 4)) for name in ("query", "key", "value")}
    numpy.savez(folder / "a.npz", **arrays)
    weights = load(folder / "a.npz").layers[0].steps().weights
    numpy.save(folder / "w.npy", weights)
    assert all(one["divergence"] < 1e-12 for one in record("a.npz", "w.npy")["heads"])
    numpy.savez(folder / "c.npz", **arrays, causal=True)
    assert all(one["divergence"] > 0.01 for one in record("a.npz", "c.npz")["heads"])
    assert all(one["divergence"] == 0 for one in record("a.npz", "c.npz", "--causal")["heads"])


def test_words_in_place_of_tokens(folder):
    for name, tokens in (("a", ("Un", "##like", "##ly", "so")), ("b", ("Unlikely", "so"))):
        weights = numpy.full((1, len(tokens), len(tokens)), 1 / len(tokens))
        Trace(tokens, (Layer(weights=weights),), {"original": "Unlikely so"}).save(folder / f"{name}.safetensors")
    found = record("a.safetensors", "b.safetensors", "--words")
    assert found["aligned"] == [[0, 0], [1, 1]]
    assert found["heads"][0]["largest"]["left"] == 0.75
    assert record("a.safetensors", "b.safetensors")["aligned"] == [[3, 1]]
    said = attnviz("diff", "b.safetensors", "b.safetensors", "--words").stderr
    assert said == "attnviz: every token is a word by itself: --words merges none\n"


def test_the_suffix_picks_the_format(files, folder):
    for name in ("d.json", "d.csv", "d.md", "d.txt", "d.svg", "d.html"):
        assert done("diff", *files, "-o", name).text == f"{name}\n"
    assert len(list(csv.reader((folder / "d.csv").read_text().splitlines()))) == 5
    assert json.loads((folder / "d.json").read_text())["attnviz"] == 1
    assert (folder / "d.md").read_text().startswith("## Pairs")
    assert (folder / "d.txt").read_text() == done("diff", *files).text
    assert (folder / "d.html").read_text().startswith("<!doctype html>")
    ElementTree.parse(folder / "d.svg")  # which raises where it is no XML
    assert "causal.safetensors" in (folder / "d.svg").read_text()


@pytest.mark.slow
def test_the_two_heads_that_are_furthest_apart_as_a_picture(files, folder):
    for name in ("d.png", "d.pdf"):
        assert done("diff", *files, "-o", name).text == f"{name}\n"
    assert (folder / "d.png").read_bytes().startswith(b"\x89PNG")
    assert done("diff", *files, "--format", "svg").text == "diff.svg\n"


def test_a_picture_in_bytes_is_no_text_for_a_terminal(files):
    message = problem(in_terminal("diff", *files, "--format", "png", "-o", "-"), 2)
    assert message == "PNG is binary, and - is a terminal"


def test_in_a_terminal_of_40_and_80_columns(files):
    for columns in (40, 80):
        lines = without_escapes(in_terminal("diff", *files, columns=columns).text).splitlines()
        assert max(map(len, lines)) <= columns


def test_the_heads_that_are_furthest_apart_in_the_terminal(files, folder):
    lines = done("diff", *files, "--show").lines
    assert lines[0].startswith("Pairs of heads")
    assert any(line.startswith("Layer 0, head ") for line in lines)
    assert "Difference" in lines
    assert done("diff", *files, "--show", "-o", "d.csv").lines[0] == "d.csv"
    assert (folder / "d.csv").exists()
    shown = without_escapes(in_terminal("diff", *files, "--show", columns=80).text).splitlines()
    assert max(map(len, shown)) <= 80
    message = problem(attnviz("diff", *files, "--show", "--format", "json"), 2)
    assert message == "--show draws on standard output, and -o - sends the json there"


def test_in_vietnamese(files):
    assert done("diff", *files, "--lang", "vi").lines[0] == "Các cặp đầu, xa nhau nhất đứng trước: 4"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "nothing to compare is given"),
        (("causal.safetensors",), 2, "only one trace is given"),
        (("causal.safetensors", "--left", "0.0"), 2, "--left and --right name a head each"),
        (("causal.safetensors", "--left", "x", "--right", "0.0"), 2, "--left x: expected LAYER.HEAD, such as 3.4"),
        (("causal.safetensors", "--left", "3.0", "--right", "0.0"), 1, "layer 3 does not exist"),
        (("causal.safetensors", "--left", "0.0", "--right", "0.9"), 1, "head 9 does not exist"),
        (("causal.safetensors", "plain.safetensors", "--left", "0.0", "--right", "0.1", "--layer", "0"), 2, "--layer"),
        (("causal.safetensors", "missing.safetensors"), 1, "missing.safetensors does not exist"),
        (("causal.safetensors", "broken.safetensors"), 1, "broken.safetensors"),
        (("causal.safetensors", "other.safetensors"), 1, "no token in common"),
        (("causal.safetensors", "plain.safetensors", "--query", "dog"), 1, "no query token dog"),
        (("causal.safetensors", "plain.safetensors", "-o", "x.gif"), 2, "its suffix is not one of"),
        (("causal.safetensors", "plain.safetensors", "--top", "0"), 2, "--top"),
        (("a", "b", "--model", "tiny", "--causal"), 2, "--causal changes the rule, but a model has its own"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(files, folder, arguments, code, message):
    (folder / "broken.safetensors").write_bytes(b"not a trace")
    vectors = numpy.ones((1, 2, 2))
    Trace(("x", "y"), (Layer(vectors, vectors, vectors),)).save(folder / "other.safetensors")
    before = sorted(folder.iterdir())
    assert message in problem(attnviz("diff", *arguments), code)
    assert sorted(folder.iterdir()) == before
    assert files


@pytest.mark.slow
def test_of_a_long_text_a_notice_says_what_a_cell_covers_and_how_to_look_closer():
    text = " ".join(f"w{place}" for place in range(210))
    result = attnviz("diff", text, f"{text} more", "--heads", "1", "-o", "long.svg")
    assert (result.code, result.text) == (0, "long.svg\n")
    assert "the text is long: a cell of the picture covers 2 × 2 tokens; --query " in result.stderr
    query, key = (result.stderr.partition(f"--{name} ")[2].split()[0] for name in ("query", "key"))
    close = attnviz("diff", text, f"{text} more", "--heads", "1", "--query", query, "--key", key, "-o", "close.svg")
    assert (close.code, close.stderr) == (0, "")
