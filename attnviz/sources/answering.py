"""Which model is asked for its heads' roles: the one in the package, or one of transformers."""

from __future__ import annotations

from typing import Any

from attnviz.choices import MODEL_CASES, TINY_CASES, is_tiny
from attnviz.trace.asking import Answering


def answering(
    model: Any,
    *,
    device: str | None = None,
    dtype: str | None = None,
    device_map: str | None = None,
    adapter: str | None = None,
) -> Answering:
    """``model`` ready to be asked: "tiny"; or a folder, an id, or a model of transformers that is loaded already."""
    if is_tiny(model):
        from attnviz.sources.tiny.loading import load, require_no_torch
        from attnviz.sources.tiny.questions import TinyAnswering

        require_no_torch(device=device, dtype=dtype, device_map=device_map, adapter=adapter)
        return TinyAnswering(load(model, "float32"))
    from attnviz.sources.huggingface.answering import load_answering

    return load_answering(model, device=device, dtype=dtype, device_map=device_map, adapter=adapter)


def usual_cases(model: Any) -> int:
    """How many questions of each role ``model`` is asked where nobody says."""
    return TINY_CASES if is_tiny(model) else MODEL_CASES
