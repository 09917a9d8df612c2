"""A trace that a command saves shows the same numbers when it comes back."""

from __future__ import annotations

import json

import pytest
from command_line import attnviz, done

TEXT = "Your journey starts with one step"
KINDS = [
    (),
    ("--heads", 2, "--causal"),
    ("--project", "--window", 2, "--softcap", 3),
    ("--heads", 2, "--position", "rope"),
    ("--heads", 2, "--position", "alibi", "--causal"),
    ("--position", "sinusoidal", "--scale", 0.2),
    ("--tokenizer", "byte", "--seed", 5),
    ("--dtype", "float32",),
]  # fmt: skip


@pytest.mark.parametrize("command", ["explain", "heatmap"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.some(5)
def test_a_saved_trace_gives_the_same_results(folder, command, kind):
    done(command, TEXT, *kind, "-o", "saved.safetensors")
    for form in ("json", "csv", "table"):
        direct, saved = (
            done("explain", *source, "--format", form).lines
            for source in ((TEXT, *kind), ("--from", "saved.safetensors"))
        )
        if form == "table":
            assert direct.pop().startswith("Next, ")
            assert ": attnviz explain --from saved.safetensors " in saved.pop()
        assert saved == direct
    assert [path.name for path in folder.iterdir()] == ["saved.safetensors"]


@pytest.mark.parametrize("kind", KINDS[1:3], ids=str)
@pytest.mark.parametrize("form", ["svg", "term", "png"])
@pytest.mark.some(2)
def test_a_saved_trace_gives_the_same_picture(kind, form):
    done("heatmap", TEXT, *kind, "-o", "saved.safetensors")
    direct, saved = (
        done("heatmap", *source, "-o", "-", "--format", form)
        for source in ((TEXT, *kind), ("--from", "saved.safetensors"))
    )
    assert saved == direct


def test_a_saved_trace_can_be_saved_again_and_over_itself():
    done("explain", TEXT, "--heads", 2, "-o", "first.safetensors")
    for source, target in (("first", "second"), ("second", "second")):
        done("explain", "--from", f"{source}.safetensors", "-o", f"{target}.safetensors")
    direct = done("explain", TEXT, "--heads", 2, "--format", "json")
    assert done("explain", "--from", "second.safetensors", "--format", "json") == direct


def test_another_rule_can_be_tried_on_a_saved_trace():
    done("explain", TEXT, "-o", "saved.safetensors")
    rule = ("--causal", "--scale", 2, "--softcap", 4)
    direct, saved = (
        done("explain", *source, *rule, "--format", "json") for source in ((TEXT,), ("--from", "saved.safetensors"))
    )
    assert saved == direct


def test_a_rule_can_be_taken_away_from_a_saved_trace():
    done("explain", TEXT, "--causal", "-o", "saved.safetensors")
    result = done("explain", "--from", "saved.safetensors", "--no-causal", "--format", "json")
    assert result == done("explain", TEXT, "--format", "json")


def test_a_saved_trace_may_bring_its_name_in_capitals(folder):
    done("explain", TEXT, "-o", "saved.safetensors")
    (folder / "saved.safetensors").rename(folder / "SAVED.SAFETENSORS")
    assert (
        json.loads(done("explain", "--from", "SAVED.SAFETENSORS", "--format", "json").stdout)["tokens"] == TEXT.split()
    )


def test_python_reads_what_the_command_line_saves(folder):
    import attnviz as library

    done("explain", TEXT, "--heads", 2, "-o", "saved.safetensors")
    steps = library.load(folder / "saved.safetensors").layers[0].steps(1)
    content = json.loads(attnviz("explain", TEXT, "--heads", 2, "--format", "json").stdout)
    assert content["layers"][0]["heads"][1]["weights"] == steps.weights.tolist()
