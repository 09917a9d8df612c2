"""Which model writes: the tiny one in the package, or one of transformers."""

from __future__ import annotations

from functools import partial
from typing import Any

from attnviz.choices import is_tiny
from attnviz.trace.written import Writer


def writer(model: Any, tokenizer: Any = None, **options: Any) -> Writer:
    """The ``model`` that a person names, or has loaded, as one that writes.

    tokenizer  of a model that is loaded already
    options    device, dtype, device_map, adapter: of a model that is loaded here
    """
    if is_tiny(model):
        from attnviz.sources.tiny.generate import generate as write
        from attnviz.sources.tiny.loading import load

        return partial(write, load(model, tokenizer=tokenizer, **options))
    from attnviz.sources.huggingface.generate import generate
    from attnviz.sources.huggingface.model import Model

    return partial(generate, Model.of(model, tokenizer, writes=True, **options))
