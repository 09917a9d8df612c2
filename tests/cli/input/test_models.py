"""A real model on the command line: explain, heatmap and capture, as a user types them."""

from __future__ import annotations

import contextlib
import copy
import csv
import io
import json
import os
import re
import sys

import numpy
import pytest
from command_line import attnviz, done, problem, program
from PIL import Image
from tiny_models import saved

from attnviz.cli.app import main
from attnviz.cli.input.model_traces import tell_unseen
from attnviz.renderers.shared.numbers import share
from attnviz.sources.huggingface.model import Model
from attnviz.text.display import shown as as_shown
from attnviz.trace.origin import Origin

TEXT = "Your journey starts with one step"


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name in ("Llama", "Mistral", "Gemma2", "GptOss", "T5", "Bert"):
        saved(name, folder / name)
    return folder


def captured(*arguments):
    """Save a trace to t.safetensors; the path is all of its output, and the notice all that is said."""
    result = attnviz(*arguments, "-o", "t.safetensors")
    assert (result.code, result.text, result.stderr.count("\n")) == (0, "t.safetensors\n", 1)


@pytest.fixture
def llama(models):
    return models / "Llama"


def test_what_is_not_installed_is_told_with_how_to_get_it(llama, monkeypatch):
    monkeypatch.setitem(sys.modules, "attnviz.sources.huggingface.model", None)
    result = attnviz("explain", TEXT, "--model", llama)
    assert "--model needs attnviz.sources.huggingface.model, which is not installed" in problem(result, 1)
    assert "pip install 'attnviz[models]'" in result.stderr


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
        ("T5", "To each cell a bias is added that belongs to the model."),
    ],
)
@pytest.mark.some(2)
def test_what_a_model_does_to_its_scores_is_told(models, name, words):
    assert words in done("explain", TEXT, "--model", models / name, "--layer", "0", "--head", 0).text


@pytest.mark.parametrize(
    ("wanted", "position"), [("cat", "0"), (" cat", "4"), ("·cat", "4"), (" SAT", "1"), ("sat", "1")]
)
def test_a_word_behind_a_space_is_another_token(llama, wanted, position):
    result = done("explain", "cat sat on the cat", "--model", llama, "--layer", 0, "--head", 0, "--format", "csv",
                  "--step", "query", "--query", wanted)  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(result.text)))
    assert {row["query"] for row in rows} == {position}
    assert {row["query_token"] for row in rows} == {{"0": "cat", "4": "·cat", "1": "sat"}[position]}


def test_the_json_says_how_exactly(llama):
    result = json.loads(done("explain", TEXT, "--model", llama, "--format", "json").text)
    assert result["source"]["agreement"]["largest_error"] < 1e-5
    assert [layer["layer"] for layer in result["layers"]] == [0, 1]
    assert result["tokens"] == TEXT.split()


def test_the_first_layer_is_shown_and_that_there_are_more_is_said(models):
    result = attnviz("explain", TEXT, "--model", models / "T5", "--head", 0)
    assert (result.code, "Layer encoder 0 " in result.text) == (0, True)
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
    assert problem(result, 1) == "encoder 1 and decoder 1 have different tokens, so they cannot share a picture"
    done("heatmap", TEXT, "--model", models / "T5", "--target", "Your step", "--layer", "cross 1")


def test_what_cannot_be_watched_is_said(tmp_path):
    from tiny_models import tokenizer
    from transformers import LongT5Config, LongT5Model

    config = LongT5Config(
        vocab_size=330, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    LongT5Model(config).save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    run = attnviz("stats", TEXT, "--model", tmp_path)
    assert run.code == 0
    assert "encoder.block.N.layer.N.LocalSelfAttention" in run.stderr
    assert "decoder 0" in run.text
    assert problem(attnviz("stats", TEXT, "--model", tmp_path, "--layer", "encoder"), 1).startswith(
        "there are no encoder layers"
    )


def test_layers_of_which_only_the_weights_are_known_are_told_by_why(capsys):
    tell_unseen(Origin({"because": {"layer 0": "it is gated", "layer 1": "it is gated", "decoder 0": "it has parts"}}))
    assert capsys.readouterr().err.splitlines() == [
        "attnviz: only the weights are known of layer 0, layer 1: it is gated",
        "attnviz: only the weights are known of decoder 0: it has parts",
    ]


def test_a_text_that_is_read_by_itself_is_cut_by_the_models_own_tokens(llama):
    directed = ("--step", "contribution", "--toward", "@output")
    cut = ("--max-length", 4, "--cut", "--format", "json")
    read = json.loads(done("stats", "--lines", f"{TEXT}\nthe cat", "--model", llama, *directed, *cut).text)
    tokens = [len(ids) for ids in Model.load(str(llama)).tokenizer([TEXT, "the cat"])["input_ids"]]
    assert max(tokens) > 4
    assert (read["texts"], read["tokens"]) == (2, sum(min(4, count) for count in tokens))


def test_what_its_heads_do_to_the_next_token_is_measured(llama):
    read = json.loads(
        done("stats", TEXT, "--model", llama, "--metric", "effect", "--layer", 0, "--format", "json").text
    )
    assert {(head["layer"], head["head"]) for head in read["heads"]} == {(0, number) for number in range(4)}
    devices = ("stats", TEXT, "--model", "tiny", "--metric", "effect", "--device", "cpu")
    assert problem(attnviz(*devices), 2).startswith("--device is for a model of torch")


def test_an_image_is_looked_at(tmp_path_factory):
    from transformers import ViTImageProcessorPil

    vit = saved("ViT", tmp_path_factory.mktemp("vit"), with_tokenizer=False)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(vit)
    Image.new("RGB", (64, 64), "navy").save("navy.png")
    text = done("explain", "--file", "navy.png", "--model", vit, "--layer", 0, "--head", 0, "--step", "weights").text
    assert "[CLS] r0c0 r0c1 r0c2" in text
    assert problem(attnviz("explain", "--model", vit), 2) == "this model looks at an image, and none is given"
    assert problem(attnviz("explain", "--file", "-", "--model", vit), 2).startswith("this model looks at an image")
    assert problem(attnviz("explain", "a cat", "--model", vit), 2) == "this model looks at an image, not at a text"
    assert problem(attnviz("stats", "--lines", "a cat", "--model", vit), 2).startswith("--lines is for texts")


def test_a_captured_trace_is_shown_as_its_model_was(llama):
    captured("capture", TEXT, "--model", llama)
    shown = ("--layer", 1, "--head", 2, "--format", "csv", "--step", "weights")
    ours = done("explain", "--from", "t.safetensors", *shown).text.splitlines()
    theirs = done("explain", TEXT, "--model", llama, *shown).text.splitlines()
    assert [line.split(",")[:5] for line in ours] == [line.split(",")[:5] for line in theirs]
    assert [float(line.split(",")[5]) for line in ours[1:]] == pytest.approx(
        [float(line.split(",")[5]) for line in theirs[1:]], abs=1e-6
    )


def test_capture_keeps_the_chosen_layers(models):
    captured("capture", TEXT, "--model", models / "T5", "--layer", "cross 0,2")
    text = done("explain", "--from", "t.safetensors", "--layer", "all", "--head", 0, "--step", "weights").text
    assert re.findall(r"Layer [\w ]+\d", text) == ["Layer cross 0", "Layer cross 2"]


def test_a_captured_trace_is_shown_without_torch(llama, folder):
    captured("capture", TEXT, "--model", llama)
    for name in ("torch", "transformers", "array_api_compat"):
        (folder / f"{name}.py").write_text(f"raise ImportError('{name}', name='{name}')")
    path = {"PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"}
    for command in ("explain", "stats"):
        result = program(command, "--from", "t.safetensors", "--layer", "1", environment=path)
        assert (result.code, result.stderr) == (0, "")
    result = program("explain", TEXT, "--model", llama, environment=path)
    assert problem(result, 1).startswith("--model needs ")
    assert "pip install 'attnviz[models]'" in result.stderr


@pytest.mark.parametrize("command", ["explain", "heatmap", "capture"])
def test_a_saved_trace_says_how_exactly_it_is_the_models(llama, command):
    result = attnviz(command, TEXT, "--model", llama, "-o", "t.safetensors")
    assert (result.code, result.text) == (0, "t.safetensors\n")
    assert re.fullmatch(
        r"attnviz: t\.safetensors: Llama, recomputed to within \d\.\de-0\d of its own outputs\n", result.stderr
    )


def test_capture_offers_no_arrays_in_place_of_a_text():
    options = re.findall(r"^│ +(--\w+)", done("capture", "--help").text, flags=re.MULTILINE)
    assert "--file" in options
    assert "--from" not in options


def test_who_wants_to_save_some_layers_is_told_of_capture(llama):
    result = attnviz("explain", TEXT, "--model", llama, "--layer", 0, "-o", "t.safetensors")
    assert problem(result, 2) == "--layer chooses what is shown, but a saved trace is whole"
    assert "attnviz capture --layer" in result.stderr
    assert "capture" not in attnviz("explain", "a", "--layer", 0, "-o", "t.safetensors").stderr


CHAT = {"GptOss": 1, "Llama": 1}  # a special token stands inside the text, and at its beginning


@pytest.mark.parametrize("name", CHAT)
@pytest.mark.some(1)
def test_special_tokens_are_hidden_and_all_else_is_what_it_was(models, name):
    arguments = ("--model", models / name, "--chat", "--layer", 0)
    whole, shown = (
        json.loads(done("explain", "Your step", *arguments, "--format", "json", *more).text)
        for more in ((), ("--skip-special",))
    )
    left = shown["layers"][0]["query_positions"]
    assert left == shown["layers"][0]["key_positions"]
    assert shown["tokens"] == whole["tokens"]
    special = [place for place in range(len(whole["tokens"])) if place not in left]
    assert special == whole["source"]["special"]
    assert special[0] == 0
    assert special[-1] > left[0]
    assert shown["layers"][0]["query_tokens"] == [whole["tokens"][place] for place in left]
    for before, after in zip(whole["layers"][0]["heads"], shown["layers"][0]["heads"], strict=True):
        for step in ("scores", "scaled", "masked", "weights"):
            assert after[step] == [[before[step][query][key] for key in left] for query in left]
        for step in ("query", "key", "value", "output"):
            assert after[step] == [before[step][place] for place in left]


@pytest.mark.parametrize("name", CHAT)
def test_the_weights_that_are_left_are_the_models_own(models, name):
    """Against the attentions that transformers' own eager attention returns; with sinks and with special tokens inside."""
    import torch
    from tiny_models import model

    arguments = ("--model", models / name, "--chat", "--skip-special", "--layer", 0)
    data = json.loads(done("explain", "Your step", *arguments, "--format", "json").text)
    network = model(name)
    network = copy.deepcopy(network)  # the one that other tests read stays as it is
    network.set_attn_implementation("eager")
    with torch.inference_mode():
        attentions = network(torch.tensor([data["source"]["ids"]]), output_attentions=True).attentions
    left = data["layers"][0]["query_positions"]
    for head, weights in zip(data["layers"][0]["heads"], attentions[0][0], strict=True):
        torch.testing.assert_close(torch.tensor(head["weights"]), weights[left][:, left], atol=1e-5, rtol=0)


@pytest.mark.slow
def test_every_command_says_what_the_hidden_tokens_took(models, folder):
    arguments = ("Your step", "--model", models / "GptOss", "--chat")
    whole = json.loads(done("explain", *arguments, "--layer", 0, "--format", "json").text)
    left = [place for place in range(len(whole["tokens"])) if place not in whole["source"]["special"]]
    weights = numpy.array([head["weights"] for head in whole["layers"][0]["heads"]])
    taken = numpy.delete(weights, left, axis=2)[:, left].sum(axis=2)  # (heads, queries)

    text = done("explain", *arguments, "--layer", 0, "--head", 2, "--skip-special").text
    assert f"The hidden special tokens took {share(taken[2, -1])} of `{as_shown(whole['tokens'][left[-1]])}`." in text
    assert f"leaves {share(1 - weights[2, left[-1]].sum())} to it." in text
    assert "<|user|>" not in text

    words = f"special tokens hidden: they took on average {100 * taken.mean():.0f} % of the weights"
    done("heatmap", *arguments, "--layer", 0, "--skip-special", "-o", "map.svg")
    drawn = (folder / "map.svg").read_text()
    assert words in drawn
    assert "|user|" not in drawn
    assert words in done("heatmap", *arguments, "--layer", 0, "--skip-special", "--format", "term").text
    assert words in done("stats", *arguments, "--layer", 0, "--skip-special").text
    numbers = json.loads(done("stats", *arguments, "--layer", 0, "--skip-special", "--format", "json").text)
    assert numbers["hidden_share"] == pytest.approx(taken.mean(), abs=1e-6)
    assert json.loads(done("stats", *arguments, "--format", "json").text)["hidden_share"] is None


def test_the_csv_keeps_the_true_positions(models):
    arguments = ("Your step", "--model", models / "GptOss", "--chat", "--layer", 0, "--format", "csv")
    whole, shown = (
        list(csv.DictReader(done("explain", *arguments, *more).lines)) for more in ((), ("--skip-special",))
    )
    special = {"<|user|>", "<|assistant|>", "<|endoftext|>"}
    assert shown == [row for row in whole if not special & {row["query_token"], row["key_token"]}]
    assert len(shown) < len(whole)


def test_a_special_token_that_is_asked_for_is_shown(models):
    arguments = ("explain", "Your step", "--model", models / "GptOss", "--chat", "--skip-special", "--layer", 0)
    text = done(*arguments, "--head", 0, "--query", "@0", "--step", "weights").text
    assert "<|user|>" in text
    pair = ("--head", 0, "--query", "@2", "--key", "@0")
    without = (word for word in arguments if word != "--skip-special")
    assert done(*arguments, *pair).lines[1:-1] == done(*without, *pair).lines[1:-1]  # the last names the command


def test_where_nothing_is_special_that_is_said_and_where_all_is(llama):
    for command in ("explain", "stats"):
        assert attnviz(command, "a", "--skip-special").stderr == "attnviz: there are no special tokens to hide\n"
    alone = attnviz("explain", "<|endoftext|>", "--model", llama, "--skip-special", "--layer", 0)
    assert problem(alone, 1) == "the text holds only special tokens: nothing is left to show"
    saving = attnviz("explain", "a", "--model", llama, "--skip-special", "-o", "t.safetensors")
    assert problem(saving, 2) == "--skip-special chooses what is shown, but a saved trace is whole"


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
    with contextlib.redirect_stderr(io.StringIO()) as stderr:  # nobody watches it, whatever standard output is
        assert main(list(map(str, arguments))) == 0
    assert stderr.getvalue() == ""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ImportError("no", name="transformers"), "--model needs transformers, which is not installed"),
        (
            ImportError("x.so: failed to map segment from shared object"),
            "not enough memory: x.so: failed to map segment",
        ),
    ],
    ids=["missing", "no memory"],
)
def test_a_library_that_is_not_installed_is_told_from_one_for_which_there_is_no_memory(monkeypatch, error, message):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(Model, "load", fail)
    assert problem(attnviz("explain", "a", "--model", "any"), 1).startswith(message)
