"""What a model thinks comes next while it reads: the logits of the pass that is watched, of which a few are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from attnviz.attention.memory import require_memory
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.inputs import Reading
from attnviz.sources.huggingface.loading.writers import require_writer
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.predictions import MOST, Likeliest
from attnviz.sources.huggingface.tokens import Tokens
from attnviz.text.message import Message
from attnviz.trace.generation import Predictions
from attnviz.trace.layer import WRITING
from attnviz.trace.trace import Trace

COPIES = 2  # of a pass's logits: the model's, and those in float32 that are compared


class NextTokens:
    """The ``count`` likeliest tokens after each position of the texts that ``model`` has read in its last pass."""

    def __init__(self, model: Model, count: int) -> None:
        self.model, self.count = model, count
        self._of_texts: list[Likeliest] = []

    def take(self, logits: torch.Tensor) -> None:
        """Keep what ``logits``, (texts, positions, vocabulary), say."""
        tokenizer = self.model.tokenizer if self.model.has_tokenizer else None
        self._of_texts = [Likeliest(self.count, tokenizer) for _ in logits]
        rows = max(1, MOST // logits.shape[-1])
        for likeliest, of_text in zip(self._of_texts, logits, strict=True):
            end = 0
            for part in of_text.split(rows):
                end += len(part)
                likeliest.take(part, end)

    def after(self, tokens: Tokens, place: int = 0) -> tuple[Predictions, ...]:
        """What may come after each of ``tokens``, which are those of the text at ``place``."""
        likeliest = self._of_texts[place]
        for number, label in zip(tokens.ids, tokens.labels, strict=True):
            likeliest.name(number, label)
        return tuple(map(likeliest.after, range(len(tokens.ids))))


@contextmanager
def foreseen(model: Model, count: int | None) -> Iterator[NextTokens | None]:
    """Inside the block ``model`` predicts after every position that it reads, and the ``count`` likeliest are kept; None: it does
    not. AttnvizError where it predicts no next token."""
    if count is None:
        yield None
        return
    require_writer(model.model)
    found = NextTokens(model, count)

    def before(_: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        _require_room(model, options)
        return arguments, {name: value for name, value in options.items() if name != "logits_to_keep"}

    hooks = (
        model.model.register_forward_pre_hook(before, with_kwargs=True),
        model.model.register_forward_hook(lambda _, __, output: found.take(output.logits)),
    )
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def predicted(trace: Trace, found: NextTokens | None, reading: Reading, place: int = 0) -> tuple[Predictions, ...]:
    """The predictions of ``trace``, those of ``found``, for the text at ``place`` that was read so; AttnvizError where no layer
    of ``trace`` has these positions."""
    if found is None:
        return ()
    tokens = reading.target or reading.tokens
    if tokens is None:
        raise AttnvizError("a model predicts tokens after a text, and there are no input_ids", "leave out predictions")
    if not any(one.stack in WRITING and one.queries == len(tokens.ids) for one in trace.layers):
        raise AttnvizError(
            "predictions stand beside the layers that write, and none of them is kept",
            "keep a layer of the decoder, or leave out predictions",
        )
    return found.after(tokens, place)


def _require_room(model: Model, inputs: dict[str, Any]) -> None:
    """Refuse texts whose logits take more memory than there is."""
    ids = inputs.get("decoder_input_ids", inputs.get("input_ids"))
    tokens = 0 if ids is None else ids.numel()
    network: Any = model.model
    require_memory(
        4 * COPIES * tokens * int(network.config.get_text_config().vocab_size),
        Message("predicting {tokens:,} tokens", tokens=tokens),
        "give a shorter text",
    )
