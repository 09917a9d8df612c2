"""From options to traces: which source is meant, and what does not go together."""

import json
from pathlib import Path

import numpy
import pytest
from command_line import attnviz

from attnviz.choices import Backend, Position
from attnviz.cli.input.traces import Making, read_trace
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.source import SourceOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.errors import AttnvizError, UsageError


def source(**given):
    return SourceOptions(**{"text": None, "file": None, "from_": None} | given)


TEXT = source(text="a b")


@pytest.fixture
def arrays(folder) -> Path:
    numpy.savez(folder / "a.npz", **dict.fromkeys(("query", "key", "value"), numpy.eye(2)))
    return Path("a.npz")


def test_options_of_the_toy_and_the_rule_shape_the_trace():
    making = Making(
        toy=ToyOptions(heads=2, seed=None, position=Position.ROPE), rule=RuleOptions(causal=True, scale=0.5)
    )
    [layer] = read_trace(TEXT, making).layers
    assert (layer.heads, layer.rule.causal, layer.rule.scale, layer.rotary) == (2, True, 0.5, True)


def test_no_scale_is_a_scale_of_1():
    assert read_trace(TEXT, Making(rule=RuleOptions(no_scale=True))).layers[0].rule.scale == 1.0
    with pytest.raises(UsageError, match="--scale and --no-scale: give one of the two"):
        read_trace(TEXT, Making(rule=RuleOptions(no_scale=True, scale=2.0)))


def test_a_rule_that_cannot_be_names_its_option():
    with pytest.raises(UsageError, match=r"^--scale"):
        read_trace(TEXT, Making(rule=RuleOptions(scale=float("inf"))))


def test_a_persons_own_vectors_and_matrices_are_read(folder):
    (folder / "e.json").write_text('{"a": [1, 2], "b": [3, 4]}')
    numpy.savez(folder / "w.npz", **dict.fromkeys(("query", "key", "value"), numpy.eye(2)))
    own = ToyOptions(embeddings=Path("e.json"), weights=Path("w.npz"))
    [layer] = read_trace(TEXT, Making(toy=own)).layers
    assert layer.query.tolist() == [[[1, 2], [3, 4]]]
    with pytest.raises(UsageError, match="your own vectors have their own size"):
        read_trace(TEXT, Making(toy=ToyOptions(embeddings=Path("e.json"), dim=2)))
    with pytest.raises(UsageError, match="--project draws matrices, --weights brings them"):
        read_trace(TEXT, Making(toy=ToyOptions(weights=Path("w.npz"), project=True)))


def test_arrays_take_a_rule_but_no_toy(arrays):
    making = Making(rule=RuleOptions(causal=True))
    assert read_trace(source(from_=arrays), making).layers[0].rule.causal
    with pytest.raises(UsageError, match="--heads shapes toy attention, but --from brings its own query"):
        read_trace(source(from_=arrays), Making(toy=ToyOptions(heads=2)))


def test_what_a_file_holds_beside_its_arrays_is_said(folder, capsys):
    numpy.savez(folder / "b.npz", other=numpy.eye(2), **dict.fromkeys(("query", "key", "value"), numpy.eye(2)))
    read_trace(source(from_=Path("b.npz")), Making())
    assert capsys.readouterr().err == "attnviz: b.npz also holds other, which attnviz does not read\n"


def test_of_much_that_is_not_read_only_the_first_names_are_said(folder, capsys):
    others = {f"other{number}": numpy.zeros(1) for number in range(500)}
    numpy.savez(folder / "b.npz", **others, **dict.fromkeys(("query", "key", "value"), numpy.eye(2)))
    read_trace(source(from_=Path("b.npz")), Making())
    told = capsys.readouterr().err
    assert told.startswith("attnviz: b.npz also holds other0, other1, ")
    assert told.endswith(", other7, …, which attnviz does not read\n")


def test_a_file_of_thousands_of_names_is_told_on_a_line_that_can_be_read(folder, capsys):
    qkv = {key: [[1.0]] for key in ("q", "k", "v")}
    (folder / "b.json").write_text(json.dumps(qkv | {f"{'x' * 50}{number}": 1 for number in range(5000)}))
    read_trace(source(from_=Path("b.json")), Making())
    said = capsys.readouterr().err
    assert said.startswith(f"attnviz: b.json also holds {'x' * 50}0, {'x' * 50}1, ")
    assert len(said) < 500
    assert said.endswith(", …, which attnviz does not read\n")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"text": "a", "file": Path("b")}, "TEXT and --file are both given"),
        ({"text": "-", "from_": Path("b")}, "TEXT and --from are both given"),
        ({"text": "a", "file": Path("b"), "from_": Path("c")}, "TEXT and --file and --from are both given"),
    ],
)
def test_two_sources_are_one_too_many(given, message):
    with pytest.raises(UsageError, match=message):
        read_trace(source(**given), Making())


def test_a_model_and_arrays_are_one_too_many(arrays):
    with pytest.raises(UsageError, match="--model and --from: which of the two is meant"):
        read_trace(source(from_=arrays), Making(model=ModelOptions(model="m")))


def test_options_of_a_model_need_one():
    with pytest.raises(UsageError, match="--chat is for a real model"):
        read_trace(TEXT, Making(model=ModelOptions(model=None, chat=True)))


@pytest.mark.parametrize("engine", [EngineOptions(backend=Backend.TORCH), EngineOptions(device="cpu")])
def test_torch_computes_where_it_is_asked_to(engine):
    import torch

    assert isinstance(read_trace(TEXT, Making(engine=engine)).layers[0].query, torch.Tensor)


@pytest.mark.parametrize(
    ("content", "vietnamese"),
    [
        (b"abc", "attnviz: đầu vào chuẩn: các mảng được đọc từ .npz, .safetensors, .json, .npy\n"),
        (b'{"query": [[1]]}', "attnviz: đầu vào chuẩn thiếu key, value: nó chứa query\n"),
    ],
)
def test_what_is_wrong_with_standard_input_is_said_of_it_in_the_language(content, vietnamese):
    assert attnviz("explain", "--from", "-", "--lang", "vi", stdin=content).stderr.startswith(vietnamese)
    assert attnviz("explain", "--from", "-", stdin=content).stderr.startswith("attnviz: standard input")


def test_a_model_that_looks_at_an_image_takes_no_text(folder, tmp_path_factory):
    from tiny_models import saved

    model = Making(model=ModelOptions(model=str(saved("ViT", tmp_path_factory.mktemp("vit")))))
    with pytest.raises(UsageError, match="this model looks at an image, not at a text"):
        read_trace(TEXT, model)
    with pytest.raises(UsageError, match="this model looks at an image, and none is given"):
        read_trace(source(file=Path("-")), model)
    (folder / "a.png").touch()
    with pytest.raises(AttnvizError, match=r"a\.png is not a readable image"):
        read_trace(source(file=Path("a.png")), model)


def test_a_model_takes_neither_toy_nor_rule():
    with pytest.raises(UsageError, match="--seed shapes toy attention, but --model brings its own"):
        read_trace(TEXT, Making(toy=ToyOptions(seed=0), model=ModelOptions(model="m")))
    with pytest.raises(UsageError, match="--causal changes the rule, but a model has its own"):
        read_trace(TEXT, Making(rule=RuleOptions(causal=True), model=ModelOptions(model="m")))


@pytest.fixture
def own_weights(tmp_path):
    damaged = numpy.full((1, 2, 3, 3), 1 / 3)
    damaged[0, 1, 2] /= 2
    numpy.save(tmp_path / "own.npy", damaged)
    return tmp_path / "own.npy"


def test_tokens_of_weights_come_from_the_text_and_rows_that_do_not_add_up_are_told(own_weights, capsys):
    trace = read_trace(source(text="the cat sat", from_=own_weights), Making())
    assert trace.tokens == ("the", "cat", "sat")
    assert capsys.readouterr().err == (
        "attnviz: 1 of 6 rows of weights do not add up to 1: in layer 0, head 1, query 2 they add up to 0.5\n"
    )


def test_weights_come_through_standard_input_with_a_text_beside_them(own_weights):
    result = attnviz("explain", "the cat sat", "--from", "-", "--head", "0", stdin=own_weights.read_bytes())
    assert result.code == 0
    assert b"the cat sat" in result.stdout
    assert b"weights alone" in result.stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("a b",), 1, "2 tokens, but layer 0 has 3 queries: give one for each"),
        (("--step", "scores"), 1, "there is nothing to show for scores"),
        (("--causal",), 1, "the weight 0.3333 at head 0, query 0, key 1 is on a key that the rule hides"),
        (("--scale", "2"), 1, "scale turns scores into weights, and of this layer only the weights are known"),
        (("--heads", "2"), 2, "--heads"),
    ],
)
def test_what_weights_cannot_do_is_one_line(own_weights, words, code, message):
    result = attnviz("explain", *words, "--from", str(own_weights))
    assert result.code == code
    assert message in result.stderr
    assert result.stdout == b""


def test_contributions_are_measured_along_what_is_asked_for():
    [layer] = read_trace(TEXT, Making(toy=ToyOptions(heads=2), toward="@output")).layers
    assert layer.toward.is_output
    assert read_trace(TEXT, Making(toy=ToyOptions(heads=2))).layers[0].toward is None


def test_the_model_in_the_package_reads_a_text():
    making = Making(model=ModelOptions(model="tiny"))
    assert read_trace(source(text="the dog"), making).tokens == ("the", "dog")
