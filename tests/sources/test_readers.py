"""Which model reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from attnviz import AttnvizError
from attnviz.sources.readers import reader
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
