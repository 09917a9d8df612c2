"""Which model reads."""

from __future__ import annotations

import pytest

from attnviz import AttnvizError
from attnviz.sources.readers import reader


def test_tiny_is_the_model_in_the_package():
    trace = reader("tiny", device=None)("the dog")
    assert (trace.source.model, trace.source.architecture) == ("tiny", "TinyModel")
    with pytest.raises(AttnvizError, match="dtype is for a model of torch"):
        reader("tiny", dtype="float32")


def test_a_folder_named_tiny_is_written_with_its_way(model_folder, tmp_path, monkeypatch):
    (tmp_path / "tiny").symlink_to(model_folder)
    monkeypatch.chdir(tmp_path)
    assert reader("./tiny", dtype="float64")("a").source.dtype == "float64"
