"""Folders of tiny models, and what a trace holds of each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_models import inputs, model, saved
from transformers import ViTImageProcessorPil
from watched_models import NAMES

from attnviz import trace_model


@pytest.fixture(scope="session")
def folders(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name in ("Llama", "T5"):
        saved(name, folder / name)
    saved("ViT", folder / "ViT", with_tokenizer=False)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder / "ViT")
    return folder


@pytest.fixture
def llama(folders, tmp_path) -> Path:
    """A folder of its own, to be damaged."""
    return Path(shutil.copytree(folders / "Llama", tmp_path / "llama"))


@pytest.fixture(scope="session", params=NAMES)
def traced(request):
    network = model(request.param)
    given = inputs(request.param)
    return request.param, network, given, trace_model(network, given)
