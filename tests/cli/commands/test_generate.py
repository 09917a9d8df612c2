"""attnviz generate: step by step on the terminal and in a pipe, and each of its files."""

from __future__ import annotations

import json
import re
import signal

import pytest
from command_line import attnviz, done, in_terminal, problem, started, without_escapes

from attnviz import api, load
from attnviz.sources.tiny.evidence import known_roles
from attnviz.sources.tiny.model import TinyModel
from attnviz.sources.writers import writer
from attnviz.trace.roles import WORN

TEXT = "Your journey"
STEP = re.compile(r"^ +\d  \S+  (> )?[\d.]+ %  or \S+ (< )?[\d.]+ %")


def written(folder, *arguments, **options):
    return attnviz("generate", TEXT, "--tokens", 3, "--model", folder, *arguments, **options)


def test_each_step_is_a_line_for_the_choice_and_three_for_heads(model_folder):
    result = written(model_folder)
    assert (result.code, result.stderr) == (0, "")
    steps = [line for line in result.lines if STEP.match(line)]
    assert [line.split()[0] for line in steps] == ["1", "2", "3"]
    assert sum("layer" in line for line in result.lines) == 9
    assert result.lines[-1].startswith("Written: ")


def test_in_a_terminal_the_same_is_as_wide_as_it_is(model_folder):
    piped = written(model_folder).lines
    for columns in (80, 40):
        shown = in_terminal("generate", TEXT, "--tokens", 3, "--model", model_folder, columns=columns, lines=24)
        lines = without_escapes(shown.text).splitlines()
        assert max(map(len, lines)) <= columns
        assert [line.split()[0] for line in lines if STEP.match(line)] == ["1", "2", "3"]
        assert all(whole.startswith(line.rstrip()) for line, whole in zip(lines[:9], piped, strict=False))


def test_the_heads_that_are_named_are_shown(model_folder):
    lines = written(model_folder, "--layer", "1", "--head", "0,3", "--lang", "vi").lines
    assert [line.strip()[:12] for line in lines[1:3]] == ["lớp 1, đầu 0", "lớp 1, đầu 3"]
    assert lines[-1].startswith("Đã viết: ")
    assert "layer 9 does not exist" in problem(written(model_folder, "--layer", "9"), 1)


def test_json_is_the_traces_with_what_was_written(model_folder):
    data = json.loads(written(model_folder, "--format", "json", "--layer", "1", "--head", "0").stdout)
    trace = api.generate(model_folder, TEXT, 3)
    assert (data["prompt"], data["text"], data["generated"]) == (TEXT, trace.generation.text, 3)
    assert data["chosen"] == list(trace.generation.chosen)
    assert data["probabilities"] == list(trace.generation.probabilities)
    assert data["tokens"] == list(trace.tokens)
    assert [[tuple(one) for one in position] for position in data["predictions"]] == list(map(list, trace.predictions))
    assert [len(head["weights"]) for layer in data["layers"] for head in layer["heads"]] == [4]


def test_a_saved_generation_goes_through_every_look(model_folder, folder):
    result = written(model_folder, "-o", "t.safetensors")
    assert result.text == "t.safetensors\n"
    trace = load(folder / "t.safetensors")
    told = done("explain", "--from", "t.safetensors", "--layer", "0").text
    assert f"`{trace.generation.chosen[-1]}` was chosen last, with a probability of" in told
    assert "was chosen last" not in done("explain", "--from", "t.safetensors", "--layer", "0", "--quiet").text
    chosen = trace.generation.chosen[-1]
    picture = done("heatmap", "--from", "t.safetensors", "--layer", "0", "--format", "term").lines
    assert f"then it chose “{chosen}” (" in picture[1]
    page = done("html", "--from", "t.safetensors", "--lang", "vi", "-o", "-").text
    assert f'"choice":{{"token":"{chosen}","share":" (' in page
    assert done("stats", "--from", "t.safetensors").stdout
    assert json.loads(done("explain", "--from", "t.safetensors", "--format", "json").stdout)["generated"] == 3


@pytest.mark.parametrize(
    ("suffix", "start"), [("csv", b"step,rank,"), ("html", b"<!doctype html>"), ("gif", b"GIF89a"), ("txt", b"  1  ")]
)
@pytest.mark.some(2)
def test_the_suffix_picks_the_file(model_folder, folder, suffix, start):
    result = written(model_folder, "--alternatives", "2", "-o", f"t.{suffix}")
    assert (result.code, result.text, result.stderr) == (0, f"t.{suffix}\n", "")
    assert (folder / f"t.{suffix}").read_bytes().lower().startswith(start.lower())


def test_a_gif_without_a_name_has_the_usual_one(model_folder, folder):
    assert written(model_folder, "--format", "gif").text == "written.gif\n"
    assert (folder / "written.gif").exists()


def test_a_person_who_waits_for_a_file_sees_the_steps(model_folder):
    shown = in_terminal("generate", TEXT, "--tokens", 2, "--model", model_folder, "-o", "t.json")
    lines = without_escapes(shown.text).splitlines()
    assert sum(bool(STEP.match(line)) for line in lines) == 2
    assert lines[-1] == "t.json"


def test_one_line_break_at_the_end_of_a_pipe_is_no_part_of_the_text(model_folder):
    words = ("--tokens", 2, "--model", model_folder, "--format", "json", "--layer", 0, "--head", 0)
    piped = json.loads(attnviz("generate", *words, stdin=b"Your journey\n").stdout)
    assert piped["prompt"] == TEXT


def test_the_same_seed_draws_the_same(model_folder):
    draws = [written(model_folder, "--temperature", 5, "--seed", seed).text for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--tokens", "0"], 2, "0 is out of range: it must be at least 1"),
        (["--temperature", "-1"], 2, "-1 is out of range: it must be at least 0.01"),
        (["--temperature", "0"], 2, "0 is out of range"),
        (["--top-k", "0"], 2, "0 is out of range"),
        (["--top-p", "1.5"], 2, "1.5 is out of range"),
        (["--seed", "-1"], 2, "-1 is out of range"),
        (["--alternatives", "0"], 2, "0 is out of range"),
        (["--format", "safetensors"], 2, "a trace is saved to a .safetensors file"),
        (["--tokens", "99"], 1, "2 tokens before and 99 to be written are more than the 64 positions of this model"),
        (["-o", "t.png"], 2, "t.png: its suffix is not one of"),
    ],
)
def test_bad_input_is_one_line(model_folder, arguments, code, message):
    assert message in problem(attnviz("generate", TEXT, "--model", model_folder, *arguments), code)


def test_an_empty_text_is_one_line(model_folder):
    result = attnviz("generate", "", "--model", model_folder)
    assert "the tokenizer makes no tokens of this text" in problem(result, 1)


def test_the_tiny_model_writes_as_its_grammar_does():
    result = done("generate", "the queen met the actor . she", "--tokens", 2, "--model", "tiny")
    assert [line.split()[:2] for line in result.lines if STEP.match(line)] == [["1", "rules"], ["2", "."]]
    worn = {
        name for line in result.lines for name in ("position", "syntax", "meaning", "copying") if f"· {name} (" in line
    }
    assert worn == {one.role for one in known_roles(TinyModel.load()) if one.verdict in WORN}
    assert result.lines[-1] == "Written: rules ."
    assert result.stderr == ""


def test_a_word_that_the_tiny_model_does_not_know_is_told():
    result = attnviz("generate", "the wugs near the blick", "--tokens", 1, "--model", "tiny", "--lang", "vi")
    assert result.lines[-1] == "Đã viết: are"
    assert result.stderr.count("\n") == 1
    assert "mô hình tiny đọc 2 trên 5 từ theo từng chữ cái" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--chat"], 1, "the tiny model has no chat template"),
        (
            ["--tokens", 9_999],
            1,
            "2 tokens before and 9,999 to be written are more than the",
        ),
        (["--device-map", "auto"], 2, "--device-map is for a model of torch, and the tiny model runs in NumPy alone"),
    ],
)
def test_what_the_tiny_model_cannot_do_is_one_line(arguments, code, message):
    assert message in problem(attnviz("generate", "the dog", "--model", "tiny", *arguments), code)


@pytest.mark.parametrize("output", [(), ("-o", "t.json"), ("-o", "t.gif")])
def test_an_interruption_says_how_far_it_came_and_leaves_no_file(folder, monkeypatch, output):
    def interrupted(*_):
        def write(*arguments, told, **others):
            def signalled(step):
                told(step)
                if step.step == 2:
                    signal.raise_signal(signal.SIGINT)

            return writer("tiny")(*arguments, told=signalled, **others)

        return write

    monkeypatch.setattr("attnviz.cli.commands.generate.read_writer", interrupted)
    result = attnviz("generate", "the dog", "--tokens", 9, "--model", "tiny", *output)
    assert (result.code, result.stderr) == (130, "attnviz: interrupted after 2 of 9 tokens\n")
    assert list(folder.iterdir()) == []
    assert sum(bool(STEP.match(line)) for line in result.lines) == (0 if output else 2)


def test_ctrl_c_ends_the_program_at_once_with_what_was_shown():
    with started("generate", "the dog", "--tokens", 255, "--model", "tiny") as process:
        seen = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert STEP.match(seen.decode())
    assert re.fullmatch(r"attnviz: interrupted after \d+ of 255 tokens\n", stderr.decode())
    assert b"Written" not in stdout


def test_without_a_model_the_one_in_the_package_writes():
    assert done("generate", "the dogs near the tree", "--tokens", 1).lines[-1] == "Written: are"


@pytest.mark.parametrize(("head", "worn"), [("3", True), ("0", False)])
def test_where_a_role_shows_is_said_where_one_is_worn(head, worn):
    shown = done("generate", "the dogs near the tree", "--tokens", 1, "--layer", 1, "--head", head).text
    assert ("A role shows at its own question" in shown) == worn == ("syntax (proved)" in shown)
