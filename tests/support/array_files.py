"""Arrays in a file of each format that attnviz reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest
import torch
from safetensors.torch import save_file

from attnviz.sources.files.readers import ARRAY_SUFFIXES

SAMPLES = Path(__file__).parents[2] / "samples"


SUFFIXES = pytest.mark.parametrize("suffix", ARRAY_SUFFIXES)


def normal(*shape: int) -> numpy.ndarray:
    return numpy.random.default_rng(shape).normal(size=shape)


def three(tokens: int = 3) -> dict[str, numpy.ndarray]:
    return {"query": normal(2, tokens, 2), "key": normal(1, tokens, 2), "value": normal(1, tokens, 4)}


def written(path: Path, content: dict[str, object]) -> Path:
    """``content`` in the format of the suffix of ``path``."""
    match path.suffix:
        case ".npz":
            numpy.savez(path, **content)
        case ".json":
            as_lists = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in content.items()}
            path.write_text(json.dumps(as_lists))
        case ".safetensors":
            tensors = {
                name: torch.tensor(value) for name, value in content.items() if name not in ("tokens", "key_tokens")
            }
            words = {name: json.dumps(value) for name, value in content.items() if name not in tensors}
            save_file(tensors, path, words)
    return path
