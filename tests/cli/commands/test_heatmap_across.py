"""heatmap --across: every format, what is shown, and one line for what cannot be."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from array_files import SAMPLES
from command_line import attnviz, done, problem
from followed_traces import layered

from attnviz import Trace

TEXT = ("the dogs near the tree", "--model", "tiny")


@pytest.mark.parametrize("across", ["rollout", "flow"])
def test_it_is_drawn_in_the_terminal(across):
    lines = done("heatmap", *TEXT, "--across", across, "--show").lines
    assert lines[0] == f"Attention {across}, layers 1 to 0, mean of 4 heads, residual 0.5"
    assert lines[2] == "rows: query, columns: key"


def test_its_options_are_said():
    shown = done(
        "heatmap", *TEXT, "--across", "rollout", "--heads-as", "max", "--residual", "0.25", "--show", "--head", "1-2"
    )
    assert shown.lines[0] == "Attention rollout, layers 1 to 0, largest of 2 heads, residual 0.25"


def test_one_query_goes_down_the_layers_that_are_named():
    shown = done("heatmap", *TEXT, "--across", "rollout", "--query", "tree", "--layer", "1", "--show")
    assert shown.lines[0].endswith("layer 1, mean of 4 heads, residual 0.5, query “tree” (4)")
    assert shown.lines[2] == "rows: down to layer, columns: key"


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), pytest.param("a.gif", b"GIF8", marks=pytest.mark.slow)],
)
def test_it_is_drawn_into_files(folder, name, start):  # noqa: ARG001
    assert done("heatmap", *TEXT, "--across", "rollout", "-o", name).lines == [name]
    assert Path(name).read_bytes().startswith(start)


def test_numbers_are_written_and_shown(folder):  # noqa: ARG001
    result = done("heatmap", *TEXT, "--across", "rollout", "-o", "a.json", "--show")
    assert result.lines[-1] == "a.json"
    values = json.loads(Path("a.json").read_text())["values"]
    table = done("heatmap", *TEXT, "--across", "rollout", "--format", "csv", "-o", "-").lines
    assert [row[3] for row in (line.split(",") for line in table[1:])] == [
        "" if value is None else repr(value) for row in values for value in row
    ]


def test_a_query_is_looked_for_among_the_tokens_of_its_stack(folder):  # noqa: ARG001
    encoder, decoder = layered(2).layers
    named = replace(encoder, name="encoder 0", tokens=tuple("uvwxyz")), replace(decoder, name="decoder 0", index=0)
    Trace(tuple("abcdef"), named).save("a.safetensors")
    given = ("--from", "a.safetensors", "--across", "rollout", "--query", "c", "--show")
    assert "choose one with --layer, such as --layer encoder" in attnviz("heatmap", *given).stderr
    assert "query “c” (2)" in done("heatmap", *given, "--layer", "decoder").lines[0]


def test_a_saved_trace_needs_no_model(folder):  # noqa: ARG001
    layered(2, 4).save("a.safetensors")
    assert (
        done("heatmap", "--from", "a.safetensors", "--across", "flow", "--show").lines[0].startswith("Attention flow")
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--residual", "0.2"], "--residual is for --across, which is not given"),
        (["--heads-as", "max"], "--heads-as is for --across, which is not given"),
        (["--format", "csv", "-o", "-"], "heatmap writes csv of what --across follows alone"),
        (["--across", "rollout", "--step", "scores"], "--step has no place there"),
        (["--across", "rollout", "--compare", "causal"], "--compare has no place there"),
        (["--across", "rollout", "--toward", "@output"], "--toward has no place there"),
        (["--across", "rollout", "-o", "a.safetensors"], "--format safetensors has no place there"),
        (["--across", "rollout", "--residual", "1.5"], "1.5"),
        (["--across", "rollouts"], "rollouts"),
    ],
)
def test_what_makes_no_sense_is_one_line(folder, options, said):  # noqa: ARG001
    assert said in problem(attnviz("heatmap", "one step", *options), 2)
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ["--from", str(SAMPLES / "grouped.safetensors"), "--across", "rollout", "--heads-as", "contribution"],
            "W_O of layer 0 is not known",
        ),
        (
            [" ".join(f"w{place}" for place in range(65)), "--across", "flow"],
            "the flow of 65 tokens is computed for one query at a time",
        ),
    ],
)
def test_what_cannot_be_followed_is_one_line(folder, given, said):  # noqa: ARG001
    assert said in problem(attnviz("heatmap", *given), 1)
    assert list(Path().iterdir()) == []
