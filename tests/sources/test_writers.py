"""Which model writes."""

from __future__ import annotations

import pytest
from tiny_models import saved

from attnviz import AttnvizError
from attnviz.sources.writers import writer
from attnviz.trace.written import Sampling


def test_tiny_is_the_model_in_the_package():
    trace = writer("tiny", device=None)("the dog", 2, sampling=Sampling(), alternatives=1)
    assert (trace.source.kind, trace.source.model, trace.source.architecture) == ("model", "tiny", "TinyModel")


def test_it_takes_nothing_that_a_model_of_torch_takes():
    with pytest.raises(AttnvizError, match="device is for a model of torch, and the tiny model runs in NumPy alone"):
        writer("tiny", device="cuda")


def test_a_folder_or_a_loaded_model_writes_by_transformers(model_folder):
    for model in (model_folder, str(model_folder)):
        trace = writer(model, dtype="float64")("Your journey", 1, sampling=Sampling(), alternatives=1)
        assert (trace.source.architecture, trace.source.dtype) == ("LlamaForCausalLM", "float64")


def test_what_is_to_copy_reads_and_writes_in_one_stack(tmp_path):
    folder = saved("T5", tmp_path, with_tokenizer=False)
    assert writer(folder) is not None
    with pytest.raises(AttnvizError, match="a model that reads and writes in one stack of layers"):
        writer(folder, copies=True)


def test_a_folder_named_tiny_is_written_with_its_way(model_folder, tmp_path, monkeypatch):
    (tmp_path / "tiny").symlink_to(model_folder)
    monkeypatch.chdir(tmp_path)
    for model, architecture in (("tiny", "TinyModel"), ("./tiny", "LlamaForCausalLM")):
        trace = writer(model)("a", 1, sampling=Sampling(), alternatives=1)
        assert trace.source.architecture == architecture
