"""diagnose: the mistake in a dump, in words, as data and as a picture, and the exit code for a script."""

from __future__ import annotations

import csv
import json
import os

import numpy
import pytest
import torch
from array_files import SAMPLES, SUFFIXES, written
from command_line import attnviz, done, in_terminal, problem
from made_diagnoses import UNKNOWN

from attnviz.analysis.diagnosis import diagnose as engine

TOP_LEFT, CACHED = SAMPLES / "top-left.npz", SAMPLES / "cached.npz"


def dump(**changes):
    """Query, key and value of two heads, and what torch makes of them, all changed by ``changes``."""
    draw = numpy.random.default_rng(3)
    arrays = {name: draw.standard_normal((2, 5, 4)).astype("f4") for name in ("query", "key", "value")}
    output = torch.nn.functional.scaled_dot_product_attention(*map(torch.from_numpy, arrays.values()))
    return arrays | {"output": output.numpy()} | changes


def wrong(*arguments):
    """The run of a command that names a mistake."""
    result = attnviz("diagnose", *arguments)
    assert (result.code, result.stderr) == (3, "")
    return result


def test_a_correct_output_takes_a_line_and_exits_with_0():
    [line] = done("diagnose", CACHED).lines
    assert line.startswith("Correct to ")
    assert line.endswith("e-8 (rounding of float32)")


def test_a_mistake_is_named_and_exits_with_3():
    lines = wrong(TOP_LEFT).lines
    assert lines[0] == "Not correct: a mistake that I know explains it"
    assert "  causal-top-left" in lines
    assert any("pytorch/pytorch#108108" in line for line in lines)
    assert wrong(TOP_LEFT, "--lang", "vi").lines[0].startswith("Không đúng")


def test_what_nothing_explains_exits_with_4(monkeypatch):
    monkeypatch.setattr(engine, "diagnose", lambda *_, **__: UNKNOWN)
    result = attnviz("diagnose", TOP_LEFT)
    assert (result.code, result.stderr) == (4, "")
    assert result.lines[0].startswith("Not correct, and no mistake that I know")


@SUFFIXES
def test_every_kind_of_file(folder, suffix):
    path = written(folder / f"own{suffix}", dump())
    assert done("diagnose", path).text.startswith("Correct")
    path = written(folder / f"own{suffix}", dump(causal=True))
    assert "causal-missing" in wrong(path).text


def test_standard_input(folder):
    content = written(folder / "own.npz", dump(causal=True)).read_bytes()
    result = attnviz("diagnose", "-", "--format", "json", stdin=content)
    assert (result.code, json.loads(result.text)["mistakes"][0]["name"]) == (3, "causal-missing")
    message = problem(attnviz("diagnose", "-", stdin=b"{}"), 1)
    assert message == "standard input lacks query, key, value: it holds nothing"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (("--causal",), "causal-missing"),
        (("--scale", "1"), None),
        (("--no-scale",), None),
        (("--window", "2"), "window-missing"),
        (("--softcap", "0.5"), "softcap-missing"),
        (("--rope-theta", "10000"), "rope-missing"),
        (("--rope-theta", "10000", "--rope-dims", "2", "--rope-interleaved"), "rope-missing"),
        (("--causal", "--query-offset", "0"), "causal-missing"),
    ],
)
@pytest.mark.some(3)
def test_what_was_meant_may_be_said_by_options(folder, options, name):
    path = written(folder / "own.npz", dump())
    record = json.loads(wrong(path, *options, "--format", "json").text)
    names = {one["name"] for one in record["mistakes"]}
    assert names
    assert name is None or name in names


def test_an_option_replaces_what_the_file_says(folder):
    path = written(folder / "own.npz", dump(causal=True, scale=1.0, window=2))
    result = done("diagnose", path, "--no-causal", "--scale", 0.5, "--window", 5)
    assert result.text.startswith("Correct")


def test_the_dtype_says_how_much_rounding_there_is(folder):
    noisy = dump()
    noisy["output"] = (noisy["output"] * numpy.float32(1 + 2e-3)).astype("f4")
    path = written(folder / "own.npz", noisy)
    assert attnviz("diagnose", path, "--dtype", "float32").code != 0
    assert done("diagnose", path, "--dtype", "bfloat16").text.endswith("(rounding of bfloat16)\n")


def test_weights_in_place_of_the_output(folder):
    arrays = dump()
    del arrays["output"]
    scores = arrays["query"] @ arrays["key"].swapaxes(-1, -2) / 2
    weights = torch.from_numpy(scores).softmax(-1).numpy()
    path = written(folder / "own.npz", arrays | {"weights": weights})
    assert done("diagnose", path).text.startswith("Correct")
    assert "causal-missing" in wrong(path, "--causal").text


def test_the_suffix_picks_the_format(folder):
    for name in ("d.json", "d.csv", "d.md", "d.html", "d.svg", "d.txt"):
        assert wrong(TOP_LEFT, "-o", name).text == f"{name}\n"
    assert json.loads((folder / "d.json").read_text())["verdict"] == "mistake"
    [row] = csv.DictReader((folder / "d.csv").read_text().splitlines())
    assert row["name"] == "causal-top-left"
    assert (folder / "d.md").read_text().startswith("## Not correct")
    assert (folder / "d.html").read_text().startswith("<div")
    assert "causal-top-left · head" in (folder / "d.svg").read_text()
    assert (folder / "d.txt").read_text() == wrong(TOP_LEFT).text


def test_a_picture_has_a_name_of_its_own(folder):
    assert wrong(TOP_LEFT, "--format", "png", "--lang", "vi").text == "diagnosis.png\n"
    assert (folder / "diagnosis.png").read_bytes().startswith(b"\x89PNG")


def test_of_a_correct_output_there_is_no_picture(folder):
    result = attnviz("diagnose", CACHED, "-o", "d.png")
    assert (result.code, result.stdout) == (0, b"")
    assert result.stderr == (
        "attnviz: the output is correct, so there is no difference to draw, and no file is written\n"
    )
    assert os.listdir(folder) == []


def test_nan_is_a_symptom(folder):
    broken = dump()
    broken["output"][1, 2] = numpy.nan
    result = attnviz("diagnose", written(folder / "own.npz", broken))
    assert result.code in (3, 4)
    assert "head 1, Query 2" in result.text


def test_what_else_the_file_holds_is_said(folder):
    path = written(folder / "own.npz", dump(gradient=numpy.ones(2)))
    result = attnviz("diagnose", path)
    assert result.code == 0
    assert "also holds gradient, which attnviz does not read" in result.stderr


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": numpy.ones((3, 5, 4))}, "2"),
        ({"key": numpy.ones((2, 5, 3))}, "3"),
        ({"value": numpy.ones((2, 4, 4))}, "they come in pairs"),
        ({"query": numpy.ones((1, 1, 2, 5, 4))}, "query, key and value have 5, 3 and 3 axes"),
        ({"query": numpy.full((2, 5, 4), numpy.nan)}, "query"),
        (
            {"output": numpy.ones((5, 2, 4))},
            "output has the shape (5, 2, 4), but query, key and value make one of (2, 5, 4)",
        ),
        ({"output": numpy.ones((2, 5, 3))}, "output has the shape (2, 5, 3)"),
        ({"mask": numpy.ones((4, 4), bool)}, "mask"),
        ({"mask": numpy.full((5, 5), 0.5)}, "mask holds float64 values"),
        ({"bias": numpy.ones((5, 4))}, "bias"),
        ({"sinks": numpy.ones(3)}, "sinks"),
        ({"scale": numpy.inf}, "scale is inf"),
        ({"window": 0}, "window is 0"),
        ({"softcap": -1.0}, "softcap is -1.0"),
        ({"rope_theta": 0.0}, "rope_theta is 0.0"),
        ({"rope_theta": 1e4, "rope_dims": 3}, "rope_dims is 3"),
        ({"rope_theta": 1e4, "positions": numpy.arange(3)}, "positions has the shape (3,)"),
        ({"weights": numpy.ones((2, 5, 5))}, "holds an output and weights"),
    ],
)
def test_what_does_not_fit_is_one_line(folder, changes, message):
    path = written(folder / "own.npz", dump(**changes))
    assert message in problem(attnviz("diagnose", path), 1)


def test_which_axes_to_exchange_is_said(folder):
    path = written(folder / "own.npz", dump(output=numpy.ones((5, 2, 4))))
    assert "hint: exchange its axes 0 and 1" in attnviz("diagnose", path).stderr


def test_how_to_split_joined_heads_is_said(folder):
    joined = dump()["output"].swapaxes(0, 1).reshape(5, 8)
    hint = attnviz("diagnose", written(folder / "own.npz", dump(output=joined))).stderr.splitlines()[1]
    assert hint == "attnviz: hint: its heads are joined: .reshape(5, 2, 4).swapaxes(-3, -2) splits them"
    split = joined.reshape(5, 2, 4).swapaxes(-3, -2)
    assert done("diagnose", written(folder / "own.npz", dump(output=split))).text.startswith("Correct")


def test_an_output_that_was_never_written_is_no_puzzle(folder):
    assert "  output-zero" in wrong(written(folder / "own.npz", dump(output=numpy.zeros((2, 5, 4))))).lines


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "no file is named"),
        (("nowhere.npz",), 1, "nowhere.npz"),
        (("a.pt",), 1, "a.pt is a pickle"),
        ((TOP_LEFT, "--scale", "1", "--no-scale"), 2, "--scale and --no-scale: give one of the two"),
        ((TOP_LEFT, "--window", "0"), 2, "0 is out of range"),
        ((TOP_LEFT, "--softcap", "0"), 2, "--softcap is 0.0"),
        ((TOP_LEFT, "--rope-dims", "one"), 2, "'one' is not a whole number"),
        ((TOP_LEFT, "--dtype", "float8"), 2, "'float8' is not one of float64, float32, tf32, float16, bfloat16"),
        ((TOP_LEFT, "-o", "d.xlsx"), 2, "d.xlsx: its suffix is not one of"),
        ((TOP_LEFT, "-o", "nowhere/d.json"), 1, "nowhere"),
        ((TOP_LEFT, "more"), 2, "Got unexpected extra argument(s) (more)"),
    ],
)
def test_bad_input_is_one_line(folder, arguments, code, message):
    (folder / "a.pt").write_bytes(b"\x80\x04.")
    assert message in problem(attnviz("diagnose", *arguments), code)


def test_a_terminal_gets_colours_and_its_width():
    shown = in_terminal("diagnose", TOP_LEFT, columns=40)
    assert shown.code == 3
    assert "\x1b[1;31m" in shown.text


def test_a_picture_is_not_written_to_a_terminal(monkeypatch):
    from attnviz.cli.output import terminal

    monkeypatch.setattr(terminal, "is_terminal", lambda _: True)
    assert problem(attnviz("diagnose", TOP_LEFT, "--format", "png", "-o", os.devnull), 2).startswith("PNG is binary")
