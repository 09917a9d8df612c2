"""attnviz capture: a model's attention in a file, which any command shows."""

import pytest
from command_line import attnviz, done, problem

from attnviz import load


def test_what_a_model_computes_with_is_saved_and_the_file_named(model_folder, folder):
    result = attnviz("capture", "Your step", "--model", model_folder, "-o", "t.safetensors")
    assert (result.code, result.text) == (0, "t.safetensors\n")
    assert result.stderr.startswith("attnviz: t.safetensors: ")
    trace = load(folder / "t.safetensors")
    assert len(trace.layers) > 1
    assert done("explain", "--from", "t.safetensors", "--layer", "0").stdout


def test_some_layers_alone_are_kept(model_folder, folder):
    attnviz("capture", "Your step", "--model", model_folder, "--layer", "1", "-o", "t.SAFETENSORS")
    assert [layer.index for layer in load(folder / "t.SAFETENSORS").layers] == [1]


def test_the_text_may_come_from_standard_input(model_folder):
    for words in ((), ("-",), ("--file", "-")):
        result = attnviz("capture", *words, "--model", model_folder, "-o", "t.safetensors", stdin=b"Your step")
        assert (result.code, result.text) == (0, "t.safetensors\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "t.safetensors"), "no model is named"),
        (("--model", "m"), "a trace is saved to a .safetensors file"),
        (("--model", "m", "-o", "t.json"), "a trace is saved to a .safetensors file"),
        (("--model", "m", "-o", "-"), "a trace is saved to a .safetensors file"),
    ],
)
def test_what_is_missing_is_said_before_a_model_is_loaded(arguments, message):
    assert problem(attnviz("capture", "Your step", *arguments), 2) == message
