"""attnviz capture: a model's attention in a file, which any command shows."""

import pytest
from command_line import attnviz, done, problem
from recorded_models import recorded_model
from tiny_models import tokenizer

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


def test_the_likeliest_next_tokens_come_along_where_they_are_asked_for(model_folder, folder):
    for model in (model_folder, "tiny"):
        attnviz("capture", "Your step", "--model", model, "--predictions", "2", "-o", "t.safetensors")
        trace = load(folder / "t.safetensors")
        assert [len(position) for position in trace.predictions] == [2] * len(trace.tokens)
    attnviz("capture", "Your step", "--model", model_folder, "-o", "t.safetensors")
    assert load(folder / "t.safetensors").predictions == ()


def test_the_text_may_come_from_standard_input(model_folder):
    for words in ((), ("-",), ("--file", "-")):
        result = attnviz("capture", *words, "--model", model_folder, "-o", "t.safetensors", stdin=b"Your step")
        assert (result.code, result.text) == (0, "t.safetensors\n")


def test_w_o_comes_along_unless_it_is_left_out(model_folder, folder):
    for options, known in (((), {"output"}), (("--no-output-projection",), set())):
        attnviz("capture", "Your step", "--model", model_folder, *options, "-o", "t.safetensors")
        assert [set(layer.projections) for layer in load(folder / "t.safetensors").layers] == [known] * 2
    result = attnviz("explain", "--from", "t.safetensors", "--layer", "0", "--step", "projected")
    assert (result.code, "there is nothing to show for projected" in result.stderr) == (1, True)


@pytest.mark.usefixtures("folder")
def test_a_layer_without_w_o_says_so(model_folder, monkeypatch):
    monkeypatch.setattr("attnviz.sources.recording.output_projection._is_what_it_says", lambda *_: False)
    result = attnviz("capture", "Your step", "--model", model_folder, "-o", "t.safetensors")
    sentence = "W_O is not known of layer 0, layer 1: the outputs of the heads do not go into one plain linear map"
    assert sentence in result.stderr
    shown = attnviz("explain", "--from", "t.safetensors", "--layer", "0", "--step", "projected,weights")
    assert "W_O is not known of layer 0:" in shown.stderr
    alone = attnviz("explain", "--from", "t.safetensors", "--layer", "0", "--step", "projected")
    assert (alone.code, "W_O is not known of layer 0:" in alone.stderr) == (1, True)


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


@pytest.fixture(scope="module")
def recorded_folder(tmp_path_factory):
    """A folder with one model that is recorded whole, and one of which only the weights are known."""
    folder = tmp_path_factory.mktemp("recorded")
    for name in ("Bloom", "XLNet"):
        recorded_model(name).save_pretrained(folder / name)
        tokenizer().save_pretrained(folder / name)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"), [("Bloom", ""), ("XLNet", "only the weights are known of layer 0, layer 1:")]
)
def test_a_model_that_is_recorded_goes_through_every_command(recorded_folder, folder, name, said):
    for command, *options in (
        ("explain", "--step", "weights", "--layer", "all"),
        ("heatmap", "-o", "t.png"),
        ("html", "-o", "t.html"),
        ("stats", "--format", "json"),
        ("capture", "-o", "t.safetensors"),
    ):
        result = attnviz(command, "Your journey starts", "--model", recorded_folder / name, *options)
        assert result.code == 0
        assert result.stdout
        assert said in result.stderr
    assert [layer.weights_alone for layer in load(folder / "t.safetensors").layers] == [bool(said)] * 2


def test_a_direction_without_the_w_o_that_it_needs_is_refused(folder):
    asked = ("--model", "tiny", "--toward", "a", "--no-output-projection", "-o", "t.safetensors")
    told = problem(attnviz("capture", "a", *asked), 2)
    assert told == "--toward is for contributions, and --no-output-projection leaves out the W_O that they need"
    assert not (folder / "t.safetensors").exists()


def test_each_line_is_captured_and_a_model_is_named(folder):
    result = attnviz("capture", "the dog\nthe cat", "--lines", "--model", "tiny", "-o", "traces")
    assert (result.code, result.stdout) == (0, b"traces\n")
    assert [load(path).tokens for path in sorted((folder / "traces").iterdir())] == [("the", "dog"), ("the", "cat")]
    assert problem(attnviz("capture", "a", "-o", "t.safetensors"), 2) == "no model is named"
