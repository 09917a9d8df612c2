"""A picture that a model attends to in windows, or in crops: each by itself, as one attention over all of them."""

from __future__ import annotations

import math

import torch

from attnviz.attention.memory import require_memory
from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.text.message import Message

BYTES_A_CELL = 12  # of a mask, and of two copies that are made of it


def in_windows(call: AttentionCall) -> bool:
    """Whether several parts attend to themselves at once, by a rule that can be said of all of them together."""
    return call.query.shape[0] > 1 and call.options.get("position_bias") is None and not call.is_causal


def joined(call: AttentionCall, output: torch.Tensor) -> tuple[AttentionCall, torch.Tensor]:
    """The same attention of all windows side by side, each hidden from the others, and its output, (1, queries, heads, d_v)."""
    windows, keys = call.query.shape[0], call.keys
    heads = 1 if call.mask is None else call.mask.shape[1]
    cells = heads * windows * windows * call.queries * keys
    require_memory(
        cells * BYTES_A_CELL, Message("attention in {windows:,} windows", windows=windows), "give a smaller image"
    )
    mask = torch.full(
        (heads, windows, call.queries, windows, keys), -math.inf, dtype=torch.float32, device=call.query.device
    )
    for window in range(windows):
        mask[:, window, :, window] = _of_window(call.mask, window)
    whole = mask.reshape(1, heads, windows * call.queries, windows * keys)
    side_by_side = call._replace(
        query=_joined(call.query), key=_joined(call.key), value=_joined(call.value), mask=whole
    )
    return side_by_side, output.flatten(0, 1)[None]


def _of_window(mask: torch.Tensor | None, window: int) -> torch.Tensor | float:
    """What is added to the scores of one window, (heads or 1, queries, keys)."""
    if mask is None:
        return 0.0
    own = mask[window if mask.shape[0] > 1 else 0]
    if own.dtype is not torch.bool:
        return own.float()
    return torch.zeros(own.shape, device=own.device).masked_fill(~own, -math.inf)


def _joined(array: torch.Tensor) -> torch.Tensor:
    """(windows, heads, tokens, d) → (1, heads, tokens of all windows, d)."""
    return array.transpose(0, 1).flatten(1, 2)[None]
