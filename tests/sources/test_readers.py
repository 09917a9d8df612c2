"""Which model reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_models

from attnviz import AttnvizError
from attnviz.errors import UsageError
from attnviz.sources.given import Given
from attnviz.sources.readers import reader, reader_of_many
from attnviz.sources.tiny.weights import shipped_weights, write_weights


def test_tiny_is_the_model_in_the_package():
    trace = reader("tiny", device=None)("the dog")
    assert (trace.source.model, trace.source.architecture) == ("tiny", "TinyModel")
    with pytest.raises(AttnvizError, match="dtype is for a model of torch"):
        reader("tiny", dtype="float32")


def test_a_folder_named_tiny_is_written_with_its_way(model_folder, tmp_path, monkeypatch):
    (tmp_path / "tiny").symlink_to(model_folder)
    monkeypatch.chdir(tmp_path)
    assert reader("./tiny", dtype="float64")("a").source.dtype == "float64"


def test_a_file_of_weights_is_named_by_a_path_or_a_text_and_a_path_named_tiny_is_a_folder(tmp_path, monkeypatch):
    write_weights(tmp_path / "mine.safetensors", shipped_weights())
    for name in (tmp_path / "mine.safetensors", str(tmp_path / "mine.safetensors")):
        assert reader(name)("the dog").source.model == "mine.safetensors"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AttnvizError, match="tiny"):
        reader(Path("tiny"))


@pytest.mark.parametrize("which", ["tiny", "Llama"])
def test_many_texts_are_answered_in_their_order(which):
    model, tokenizer = ("tiny", None) if which == "tiny" else (tiny_models.model(which), tiny_models.tokenizer())
    texts = ["the cats sleep", "", "the dog near the cats sleeps"]
    answers = list(reader_of_many(model, tokenizer)(map(Given, texts), layer=["1"]))
    assert [number for number, _ in answers] == [0, 1, 2]
    assert isinstance(answers[1][1], AttnvizError)
    for (_, answer), text in zip(answers, texts, strict=True):
        if text:
            assert answer.tokens == reader(model, tokenizer)(text).tokens
            assert [layer.index for layer in answer.layers] == [1]


@pytest.mark.parametrize("which", ["tiny", "Llama"])
def test_what_no_text_would_do_better_is_raised(which):
    model, tokenizer = ("tiny", None) if which == "tiny" else (tiny_models.model(which), tiny_models.tokenizer())
    with pytest.raises(UsageError, match="layer"):
        list(reader_of_many(model, tokenizer)(map(Given, ["the cats sleep"]), layer=["x"]))


def test_the_model_in_the_package_tells_no_direction():
    with pytest.raises(AttnvizError, match="tells no direction of a token"):
        reader("tiny", predicts=True)
