"""Which model reads a text: the tiny one in the package, or one of transformers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from attnviz.choices import is_tiny
from attnviz.trace.trace import Trace


def reader(model: Any, tokenizer: Any = None, **options: Any) -> Callable[..., Trace]:
    """The ``model`` that a person names, or has loaded, as a function from a text to a trace.

    tokenizer  of a model that is loaded already
    options    device, dtype, device_map, adapter: of a model that is loaded here
    """
    if is_tiny(model):
        from attnviz.sources.tiny.loading import load
        from attnviz.sources.tiny.trace import read

        return partial(read, load(model, tokenizer=tokenizer, **options))
    from attnviz.sources.huggingface.model import Model
    from attnviz.sources.huggingface.trace_model import trace

    return partial(trace, Model.of(model, tokenizer, **options))
