"""Which model writes: the tiny one in the package, or one of transformers."""

from __future__ import annotations

from functools import partial
from typing import Any

from attnviz.choices import is_tiny
from attnviz.errors import AttnvizError
from attnviz.trace.written import Writer


def writer(model: Any, tokenizer: Any = None, *, copies: bool = False, **options: Any) -> Writer:
    """The ``model`` that a person names, or has loaded, as one that writes.

    tokenizer  of a model that is loaded already
    copies     whether it is to copy out of what it reads, each head looking at both: AttnvizError where two stacks read and write
    options    device, dtype, device_map, adapter: of a model that is loaded here
    """
    if is_tiny(model):
        from attnviz.sources.tiny.generate import generate as write
        from attnviz.sources.tiny.loading import load

        return partial(write, load(model, tokenizer=tokenizer, **options))
    from attnviz.sources.huggingface.generate import generate
    from attnviz.sources.huggingface.model import Model

    loaded = Model.of(model, tokenizer, writes=True, **options)
    if copies and loaded.model.config.is_encoder_decoder:
        raise AttnvizError(
            "needles are for a model that reads and writes in one stack of layers", "take a decoder, such as Llama"
        )
    return partial(generate, loaded)
