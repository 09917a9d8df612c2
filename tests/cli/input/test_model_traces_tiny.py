"""--model tiny, in every command that takes a text."""

from __future__ import annotations

import json

import numpy
import pytest
from command_line import attnviz, done, problem
from PIL import Image

TEXT = "the queen met the actor . she"
KNOWN = ("--model", "tiny")


def test_explain_goes_from_the_vectors_to_the_projected_row():
    layer = json.loads(done("explain", TEXT, *KNOWN, "--layer", 1, "--format", "json").text)["layers"][0]
    steps = [f"{name}" for name in ("embeddings", "heads", "concat", "projected") if name in layer]
    assert steps == ["embeddings", "heads", "concat", "projected"]
    inputs = numpy.array(layer["embeddings"])
    query = inputs @ numpy.array(layer["projections"]["query"]["weight"])
    heads = numpy.concatenate([one["query"] for one in layer["heads"]], axis=-1)
    assert numpy.allclose(query, heads, atol=1e-9)


def test_what_may_come_next_is_in_every_trace_of_it(tmp_path):
    said = json.loads(done("explain", TEXT, *KNOWN, "--format", "json").text)
    assert len(said["predictions"]) == len(said["tokens"]) == 7
    assert attnviz("capture", TEXT, *KNOWN, "-o", tmp_path / "t.safetensors").code == 0
    again = json.loads(done("explain", "--from", tmp_path / "t.safetensors", "--layer", "all", "--format", "json").text)
    assert again["predictions"] == said["predictions"]


@pytest.mark.parametrize("command", ["heatmap", "html", "stats"])
def test_every_command_takes_it(command, tmp_path):
    output = {"heatmap": "a.png", "html": "a.html", "stats": "a.json"}[command]
    assert attnviz(command, TEXT, *KNOWN, "-o", tmp_path / output).code == 0
    assert (tmp_path / output).stat().st_size > 500


def test_words_that_it_spells_are_counted_once_for_one_text():
    result = attnviz("stats", "the wugs near the blick", *KNOWN)
    assert result.stderr.count("reads 2 of 5 words by their letters (wugs, blick)") == 1
    assert "measured on its own grammar alone" in result.stderr


def test_lines_are_read_one_by_one(tmp_path):
    (tmp_path / "lines.txt").write_text("the dog\nthe wugs\n")
    result = attnviz("stats", "--lines", "--file", tmp_path / "lines.txt", *KNOWN, "--format", "json")
    assert result.code == 0
    assert json.loads(result.text)["texts"] == 2
    assert result.stderr.count("reads 1 of 4 words by their letters (wugs)") == 1


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--chat"], 1, "no chat template"),
        (["--target", "b"], 1, "no decoder"),
        (["--backend", "torch"], 2, "--backend is for a model of torch"),
        (["--dtype", "float16"], 2, "--dtype is for a model of torch"),
        (["--heads", "2"], 2, "--heads shapes toy attention"),
        (["--causal"], 2, "--causal changes the rule"),
        (["--layer", "5"], 1, "layer 5 does not exist: the tiny model has layers 0 to 1"),
    ],
)
def test_what_it_does_not_take_is_one_line(more, code, said):
    assert said in problem(attnviz("explain", "a b", *KNOWN, *more), code)


def test_it_looks_at_no_image(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "navy.png")
    said = problem(attnviz("explain", "a b", *KNOWN, "--image", tmp_path / "navy.png"), 1)
    assert said == "the model in the package reads words, and no image"


def test_a_text_longer_than_its_positions_says_how_many_it_has():
    said = problem(attnviz("explain", "the " * 300, *KNOWN), 1)
    assert "300 tokens but the tiny model has 256 positions" in said


def test_it_tells_no_direction_of_a_token_and_cuts_texts_by_words():
    asked = ("the dog", "--model", "tiny", "--step", "contribution", "--toward", "cat")
    assert "tells no direction of a token" in problem(attnviz("explain", *asked), 1)
    cut = done(
        "stats", "the dog\nthe cat sat", "--lines", "--model", "tiny", "--max-length", 2, "--cut", "--format", "json"
    )
    assert json.loads(cut.text)["tokens"] == 4
