"""The public calls, each of which joins a source, an analysis and a renderer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from attnviz.sources.huggingface.inputs import Text
    from attnviz.trace.trace import Trace


def trace_text(
    text: str,
    heads: int = 1,
    causal: bool = False,
    *,
    dim: int | None = None,
    tokenizer: str = "word",
    seed: int = 0,
    project: bool = False,
    position: str = "none",
    scale: float | None = None,
    window: int | None = None,
    softcap: float | None = None,
) -> Trace:
    """Toy attention of ``text`` to itself: what ``attnviz explain`` shows.

    The default, one head without projections (Q = K = V = X), is the textbook's simple self-attention.
    AttnvizError when the text is empty or the heads do not divide the dimensions.
    """
    from attnviz.attention.rule import Rule
    from attnviz.choices import Position, Tokenizer
    from attnviz.sources.toy.toy import Toy

    if heads < 1:
        raise AttnvizError(f"{heads} heads: there must be at least 1")
    for word, kind in ((tokenizer, Tokenizer), (position, Position)):
        if word not in list(kind):
            raise AttnvizError(f"{word!r} is not one of {', '.join(kind)}")
    toy = Toy(heads, dim, Tokenizer(tokenizer), seed, project, Position(position))
    return toy.trace(text, Rule(scale=scale, causal=causal, window=window, softcap=softcap))


def load(path: str | os.PathLike[str]) -> Trace:
    """A trace from a file, as ``--from`` reads it: a saved trace, or Q, K and V as .npz, .safetensors or .json."""
    from pathlib import Path

    from attnviz.sources.files.qkv import read_trace

    return read_trace(Path(path))


def trace_model(
    model: Any,
    text: Text,
    *,
    tokenizer: Any = None,
    layer: str | int | Sequence[str | int] = (),
    target: Text | None = None,
    chat: bool = False,
    device: str | None = None,
    dtype: str | None = None,
    device_map: str | None = None,
) -> Trace:
    """The attention of a real model while it reads ``text``: one forward pass, its own kernel, no training state.

    model       a folder or a Hugging Face id, or a model of transformers that is loaded already
    text        a text; or token ids; or the model's inputs by name ("input_ids", "attention_mask", "pixel_values", …)
    tokenizer   of a model that is loaded already, where ``text`` is a text
    layer       numbers, ranges ("4-7"), "cross 0"; nothing is all. Only these are kept, (heads, tokens, d) each
    target      what the decoder of an encoder-decoder reads; without one, the text itself
    chat        put the text into the tokenizer's chat template, as the user's turn
    device, dtype, device_map   of a model that is loaded here

    For every layer and head the outputs recomputed from the trace are compared with the model's own; the trace's
    ``source["agreement"]`` says how far they are apart, and AttnvizError is raised where that is more than rounding.
    AttnvizError also where the model cannot be loaded or watched, or the text does not fit it.
    """
    from attnviz.sources.huggingface.model import Model
    from attnviz.sources.huggingface.trace_model import trace

    if isinstance(model, str | os.PathLike):
        watched = Model.load(str(model), device=device, dtype=dtype, device_map=device_map)
    else:
        watched = Model(model, model.config.name_or_path or type(model).__name__, tokenizer)
    words = [layer] if isinstance(layer, str | int) else layer
    return trace(watched, text, layer=[str(word) for word in words], target=target, chat=chat)
