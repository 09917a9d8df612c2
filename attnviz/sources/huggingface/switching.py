"""Switching a model so that its attention is asked of whoever watches it, through transformers' own extension point,
AttentionInterface.

https://huggingface.co/docs/transformers/attention_interface
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.attention_call import AttentionCall, is_plain
from attnviz.sources.huggingface.native_attention import CELLS
from attnviz.sources.huggingface.seams import (
    eager_mask,
    registered_attention,
    registered_mask,
    sdpa_mask,
    switched,
)
from attnviz.sources.huggingface.watch import Wanted, Watch

NAME = "attnviz"
MASK_AXES = 4  # (batch, heads, queries, keys)


class UnwatchedError(AttnvizError):
    """None of the model's attention can be watched."""


def unwatched(model: PreTrainedModel) -> UnwatchedError:
    """What to raise of a ``model`` of whose attention nothing was seen."""
    return UnwatchedError(
        "{kind} computes attention in its own way, which cannot be watched",
        "explain, heatmap, html, stats and capture record what can be shown of it",
        kind=type(model).__name__,
    )


Kind = TypeVar("Kind", bound=Watch)

_watch: ContextVar[Watch | None] = ContextVar("attnviz_watch", default=None)
_one_at_a_time = threading.RLock()  # a model is switched while it is watched, and others may share its configuration


@contextmanager
def watching(
    model: PreTrainedModel,
    wanted: Wanted = lambda *_: True,
    progress: Callable[[int], None] = lambda _: None,
    cells: int = CELLS,
) -> Iterator[Watch]:
    """A Watch over the forward pass that runs inside the block; afterwards the model is as it was.

    Other threads wait for their turn. AttnvizError when the model computes all of its attention in its own way,
    which cannot be watched; what cannot be watched of a model is in ``Watch.calls.unseen``.
    """
    with watched_by(Watch(model, wanted, progress, cells)) as watch:
        yield watch


@contextmanager
def watched_by(watch: Kind) -> Iterator[Kind]:
    """The same for a ``watch`` of any kind, over whatever passes its model makes inside the block."""
    with switched_for(watch), seeing(watch):
        yield watch


@contextmanager
def switched_for(watch: Watch) -> Iterator[None]:
    """Inside the block the model of ``watch`` asks whoever is ``seeing`` in its thread."""
    AttentionInterface.register(NAME, _attention)
    # Under the same name too: without it the mask is None, the future leaks, and a sliding window is silently wrong.
    AttentionMaskInterface.register(NAME, _mask)
    with _one_at_a_time:
        if _watch.get() is not None:
            raise AttnvizError("a model is already being watched", "finish one trace before you start the next")
        watch.start()
        with switched(watch.model, NAME), watch.following(_current):
            yield


@contextmanager
def seeing(watch: Watch) -> Iterator[None]:
    """Inside the block ``watch`` sees the passes that this thread makes of a model that is switched for one like it."""
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)
        if watch.projections is not None:
            watch.projections.end()
    watch.settle()
    if not watch.runs:
        raise unwatched(watch.model)


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers calls instead of its kernel."""
    watch = _current()
    implementation = watch.implementation(getattr(module, "config", None))
    return watch.attention(AttentionCall(implementation, module, query, key, value, attention_mask, options)), None


def _mask(*arguments: Any, config: Any = None, **options: Any) -> torch.Tensor | None:
    """The mask as the model would make it for its own kernel: plain code takes no mask as none, sdpa as causal.

    Of a kernel that is given none, it says what the model means all the same.
    """
    implementation = _current().implementation(config)
    make: Any = eager_mask if is_plain(implementation, {}) else sdpa_mask
    if registered_attention(implementation) is not None:
        make = registered_mask(implementation) or make
    mask: Any = make(*arguments, config=config, **options)
    if mask is not None and not (isinstance(mask, torch.Tensor) and mask.ndim == MASK_AXES):
        raise AttnvizError(
            "the attention {implementation} has masks of a kind of its own, which say nothing to attnviz",
            'load the model with attn_implementation="sdpa"',
            implementation=implementation,
        )
    return mask


def _current() -> Watch:
    watch = _watch.get()
    if watch is None:
        raise AttnvizError(
            "another thread runs this model while it is watched", "let one finish before the other starts"
        )
    return watch
