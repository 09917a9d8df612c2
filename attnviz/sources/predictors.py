"""Which model predicts while its heads are taken away: the one in the package, or one of transformers."""

from __future__ import annotations

from typing import Any

from attnviz.choices import is_tiny
from attnviz.trace.ablation import Predictor


def predictor(model: Any, tokenizer: Any = None, **options: Any) -> Predictor:
    """``model`` with its language head: "tiny"; or a folder, an id, or a model of transformers that is loaded already.

    tokenizer  of a model that is loaded already
    options    device, dtype, device_map: of a model that is loaded here
    """
    if is_tiny(model):
        from attnviz.sources.tiny.loading import load
        from attnviz.sources.tiny.predictor import TinyPredictor

        return TinyPredictor(load(model, tokenizer=tokenizer, **options))
    from attnviz.sources.huggingface.predictor import load_predictor

    return load_predictor(model, tokenizer, **options)
