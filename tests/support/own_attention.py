"""Attention of somebody's own, registered with transformers as its documentation says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import transformers

NAME = "somebodys_own"


def plain(module: Any, query: Any, key: Any, value: Any, mask: Any, *, factor: float = 1.0, **options: Any) -> Any:  # noqa: ARG001
    """Causal attention, written here alone; ``factor`` is a mistake in the scale of head 2."""
    groups = query.shape[1] // key.shape[1]
    key, value = (each.repeat_interleave(groups, 1) for each in (key, value))
    scores = query @ key.mT * (options.get("scaling") or query.shape[-1] ** -0.5)
    scores[:, 2] *= factor
    seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if window := options.get("sliding_window"):
        seen = seen.triu(1 - window)
    if mask is not None:
        seen = seen & (mask if mask.dtype == torch.bool else mask == 0)
    return (scores.masked_fill(~seen, -1e9).softmax(-1) @ value).transpose(1, 2), None


@contextmanager
def registered(attention: Callable[..., Any], mask: Callable[..., Any] | None = None) -> Iterator[str]:
    """Inside the block ``attention`` is known to transformers by the name that comes back, and with it what makes its masks."""
    tables = [transformers.AttentionInterface._global_mapping]
    transformers.AttentionInterface.register(NAME, attention)
    if mask is not None:
        transformers.AttentionMaskInterface.register(NAME, mask)
        tables.append(transformers.AttentionMaskInterface._global_mapping)
    try:
        yield NAME
    finally:
        for table in tables:
            del table[NAME]
