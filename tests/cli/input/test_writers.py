"""From options to a model that writes."""

from __future__ import annotations

import pytest
from tiny_models import saved

from attnviz import AttnvizError
from attnviz.choices import Backend, Dtype
from attnviz.cli.input.writers import read_writer
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import LoadOptions
from attnviz.errors import UsageError
from attnviz.trace.written import Sampling


def test_a_model_of_a_folder_writes_with_its_language_head(model_folder):
    writer = read_writer(LoadOptions(model=str(model_folder)), EngineOptions())
    trace = writer("Your journey", 2, sampling=Sampling(), alternatives=1)
    assert trace.source.architecture == "LlamaForCausalLM"
    assert len(trace.generation.chosen) == 2


def test_tiny_is_the_model_in_the_package():
    trace = read_writer(LoadOptions(model="tiny"), EngineOptions())("the dog", 2, sampling=Sampling(), alternatives=1)
    assert trace.source.architecture == "TinyModel"
    read_writer(LoadOptions(model="tiny"), EngineOptions(backend=Backend.NUMPY))


@pytest.mark.parametrize(
    ("options", "engine", "name"),
    [
        ({"device_map": "auto"}, {}, "--device-map"),
        ({}, {"device": "cuda"}, "--device"),
        ({}, {"dtype": Dtype.FLOAT16}, "--dtype"),
        ({}, {"backend": Backend.TORCH}, "--backend"),
    ],
)
def test_what_is_for_torch_is_wrong_usage_beside_tiny(options, engine, name):
    with pytest.raises(UsageError, match=f"^{name} is for a model of torch"):
        read_writer(LoadOptions(model="tiny", **options), EngineOptions(**engine))


def test_where_no_model_is_named_the_one_in_the_package_writes():
    trace = read_writer(LoadOptions(), EngineOptions())("the dog", 1, sampling=Sampling(), alternatives=1)
    assert trace.source.model == "tiny"


def test_a_model_without_a_language_head_is_told_before_it_is_loaded(tmp_path):
    with pytest.raises(AttnvizError, match="a model of ViTConfig has no language head"):
        read_writer(LoadOptions(model=str(saved("ViT", tmp_path, with_tokenizer=False))), EngineOptions())
