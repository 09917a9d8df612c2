"""A real model on the command line: explain, heatmap and capture, as a user types them."""

from __future__ import annotations

import json
import os
import re

import pytest
from command_line import attnviz, done, in_terminal, problem, program
from PIL import Image
from tiny_models import saved

TEXT = "Your journey starts with one step"


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name in ("Llama", "Mistral", "Gemma2", "GptOss", "T5", "Bert"):
        saved(name, folder / name)
    return folder


@pytest.fixture
def llama(models):
    return models / "Llama"


def test_explain_shows_a_head_of_a_model(llama):
    text = done("explain", TEXT, "--model", llama, "--layer", 1, "--head", 3).text
    assert "Head 3, reads Key/Value head 1" in text
    assert re.search(r"Layer 1 .* recomputed to within \d\.\de-0\d of the model's own output", text)
    assert "journey" in text
    assert "Head 2" not in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Mistral", "A Query sees only Keys at a distance below 4."),
        ("Gemma2", "keeps them between −2 and 2"),
        ("GptOss", "A sink takes a share too, so a row adds up to less than 1"),
        ("T5", "The given bias is added to each cell."),
    ],
)
def test_what_a_model_does_to_its_scores_is_told(models, name, words):
    assert words in done("explain", TEXT, "--model", models / name, "--layer", "0", "--head", 0).text


def test_the_json_says_how_exactly(llama):
    result = json.loads(done("explain", TEXT, "--model", llama, "--format", "json").text)
    assert result["source"]["agreement"]["largest_error"] < 1e-5
    assert [layer["layer"] for layer in result["layers"]] == [0, 1]
    assert result["tokens"] == TEXT.split()


def test_the_first_layer_is_shown_and_that_there_are_more_is_said(models):
    result = attnviz("explain", TEXT, "--model", models / "T5", "--head", 0)
    assert (result.code, "Layer 0: encoder " in result.text) == (0, True)
    assert result.stderr == "attnviz: showing encoder 0 of 8; --layer N or --layer all shows others\n"


def test_every_line_is_read_by_the_same_model(llama):
    result = done("explain", "--lines", "--format", "json", "--model", llama, stdin=b"Your step\nthe cat sat\n")
    assert [json.loads(line)["tokens"][-1] for line in result.lines] == ["step", "sat"]


def test_heatmap_draws_all_heads_and_says_of_which_model(llama, folder):
    done("heatmap", TEXT, "--model", llama, "--layer", 1, "-o", "heads.svg")
    drawn = (folder / "heads.svg").read_text()
    assert all(f"Head {head}" in drawn for head in range(4))
    assert "Attention weights, layer 1, 4 heads, causal" in drawn
    assert re.search(r"Llama, recomputed to within \d\.\de-0\d of its own outputs", drawn)


def test_heatmap_of_stacks_with_other_tokens_says_which(models):
    result = attnviz("heatmap", TEXT, "--model", models / "T5", "--target", "Your step", "--layer", "1")
    assert problem(result, 1) == "encoder 1 and decoder 1 have different tokens, so they do not share a picture"
    done("heatmap", TEXT, "--model", models / "T5", "--target", "Your step", "--layer", "cross 1")


def test_an_image_is_looked_at(tmp_path_factory):
    from transformers import ViTImageProcessorPil

    vit = saved("ViT", tmp_path_factory.mktemp("vit"), with_tokenizer=False)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(vit)
    Image.new("RGB", (64, 64), "navy").save("navy.png")
    text = done("explain", "--file", "navy.png", "--model", vit, "--layer", 0, "--head", 0, "--step", "weights").text
    assert "[CLS] 0,0 0,1 0,2" in text
    assert problem(attnviz("explain", "--model", vit), 2) == "this model looks at an image, and none is given"


def test_a_captured_trace_is_shown_as_its_model_was(llama):
    done("capture", TEXT, "--model", llama, "-o", "t.safetensors")
    shown = ("--layer", 1, "--head", 2, "--format", "csv", "--step", "weights")
    ours = done("explain", "--from", "t.safetensors", *shown).text.splitlines()
    theirs = done("explain", TEXT, "--model", llama, *shown).text.splitlines()
    assert [line.split(",")[:5] for line in ours] == [line.split(",")[:5] for line in theirs]
    assert [float(line.split(",")[5]) for line in ours[1:]] == pytest.approx(
        [float(line.split(",")[5]) for line in theirs[1:]], abs=1e-6
    )


def test_capture_keeps_the_chosen_layers(models):
    assert done("capture", TEXT, "--model", models / "T5", "--layer", "cross 0,2", "-o", "t.safetensors").text == (
        "t.safetensors\n"
    )
    text = done("explain", "--from", "t.safetensors", "--layer", "all", "--head", 0, "--step", "weights").text
    assert re.findall(r"Layer \d: \w+", text) == ["Layer 0: cross", "Layer 2: cross"]


def test_a_captured_trace_is_shown_without_torch(llama, folder):
    done("capture", TEXT, "--model", llama, "-o", "t.safetensors")
    for name in ("torch", "transformers", "array_api_compat"):
        (folder / f"{name}.py").write_text(f"raise ImportError('{name}', name='{name}')")
    path = {"PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"}
    for command in ("explain", "stats"):
        result = program(command, "--from", "t.safetensors", "--layer", "1", environment=path)
        assert (result.code, result.stderr) == (0, "")
    result = program("explain", TEXT, "--model", llama, environment=path)
    assert problem(result, 1).startswith("--model needs ")
    assert "pip install 'attnviz[models]'" in result.stderr


def test_special_tokens_are_hidden_and_what_they_took_is_said(llama):
    text = "Your<|endoftext|> journey"
    result = attnviz("explain", text, "--model", llama, "--skip-special", "--layer", 0, "--format", "json")
    assert json.loads(result.text)["tokens"] == ["Your", "journey"]
    assert re.fullmatch(r"attnviz: special tokens are hidden; of the weights they took, layer 0: \d+%\n", result.stderr)
    attnviz("capture", text, "--model", llama, "-o", "t.safetensors")
    again = attnviz("explain", "--from", "t.safetensors", "--skip-special", "--layer", 0, "--format", "json")
    assert json.loads(again.text)["tokens"] == ["Your", "journey"]
    nothing = attnviz("explain", "a", "--skip-special", "--quiet")
    assert nothing.stderr == "attnviz: there are no special tokens to hide\n"


def test_the_chat_template_and_the_numbers_of_the_weights(llama):
    tokens = ("explain", "Your step", "--model", llama, "--format", "json")
    assert json.loads(done(*tokens, "--chat").text)["tokens"][0] == "<|user|>"
    source = json.loads(done(*tokens, "--dtype", "bfloat16", "--device", "cpu").text)["source"]
    assert (source["dtype"], source["device"]) == ("bfloat16", "cpu")


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_either_backend_shows_it(llama, backend):
    done("explain", TEXT, "--model", llama, "--layer", 0, "--backend", backend, "--dtype", "bfloat16")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explain", "a", "--chat"), "--chat is for a real model"),
        (("explain", "a", "--device-map", "auto"), "--device-map is for a real model"),
        (("heatmap", "a", "--target", "b"), "--target is for a real model"),
        (
            ("explain", "a", "--model", "M", "--heads", "2"),
            "--heads shapes toy attention, but --model brings its own query, key and value",
        ),
        (("explain", "a", "--model", "M", "--causal"), "--causal changes the rule, but a model has its own"),
        (("explain", "a", "--model", "M", "--no-causal"), "--no-causal changes the rule, but a model has its own"),
        (("explain", "a", "--model", "M", "--no-scale"), "--no-scale changes the rule, but a model has its own"),
        (
            ("heatmap", "a", "--model", "M", "--query-offset", "1"),
            "--query-offset changes the rule, but a model has its own",
        ),
        (("explain", "--from", "t.safetensors", "--model", "M"), "--model and --from: which of the two is meant?"),
        (("capture", "a", "-o", "t.safetensors"), "no model is named"),
        (("capture", "a", "--model", "M"), "a trace is saved to a .safetensors file"),
        (("capture", "a", "--model", "M", "-o", "t.json"), "a trace is saved to a .safetensors file"),
    ],
)
def test_options_that_do_not_fit_together(arguments, message):
    assert problem(attnviz(*arguments), 2) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--layer", "7"), "layer 7 does not exist: the model has layers 0 to 1"),
        (("--layer", "0", "--head", "9"), "head 9 does not exist: layer 0 has heads 0 to 3"),
        (("--device", "cuda:77"), "torch cannot use the device cuda:77"),
    ],
)
def test_what_does_not_exist(llama, arguments, message):
    assert problem(attnviz("explain", TEXT, "--model", llama, *arguments), 1).startswith(message)


def test_a_text_that_is_too_long_and_a_folder_that_is_none(llama):
    assert "more than the 64 positions" in problem(attnviz("explain", "Your" + " one" * 64, "--model", llama), 1)
    assert problem(attnviz("explain", TEXT, "--model", "./nothing"), 1).startswith("./nothing does not exist")


def test_progress_is_for_terminals_alone(llama):
    arguments = ("explain", TEXT, "--model", llama, "--layer", "0", "--step", "weights")
    assert program(*arguments).stderr == ""
    assert in_terminal(*arguments).stderr == ""  # its stdout is a terminal, its stderr a pipe
