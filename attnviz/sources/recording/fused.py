"""Attention that torch computes in one call, from what the call was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from attnviz.sources.recording.captured import Captured, split_lead
from attnviz.sources.recording.running import Running
from attnviz.sources.recording.scores import UnnamedError
from attnviz.text.message import Message

SDPA = "scaled_dot_product_attention"
PARAMETERS = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa")


def sdpa(args: tuple[Any, ...], kwargs: Mapping[str, Any], output: torch.Tensor, running: Running) -> Captured:
    """What a call of ``scaled_dot_product_attention`` computed with; ``UnnamedError`` where its items have lengths of their own."""
    given = dict(zip(PARAMETERS, args, strict=False)) | dict(kwargs)
    arrays, mask = [given[name] for name in PARAMETERS[:3]], given.get("attn_mask")
    if any(one.is_nested for one in arrays):
        raise UnnamedError(Message("its items are nested tensors, each of a length of its own"))
    order = running.order(tuple(output.shape[:-2]))
    output = _ordered(output, order)
    lead = tuple(output.shape[:-2])
    items, heads = running.split(lead)
    query, key, value = (_by_items(_ordered(_as_computed(one, output.dtype), order), lead, items) for one in arrays)
    return Captured(
        query,
        key,
        value,
        output=output.reshape(items, heads, *output.shape[-2:]),
        masks=() if mask is None else (split_lead(_ordered(mask, order), lead, items, heads),),
        causal=bool(given.get("is_causal", False)),
        scale=given.get("scale"),
        dropped=given.get("dropout_p", 0.0) > 0,
    )


def _ordered(array: torch.Tensor, order: tuple[int, ...]) -> torch.Tensor:
    """(…, tokens, d) with as many axes before these as ``order`` has, and in that order."""
    wide = array.reshape((1,) * (len(order) + 2 - array.ndim) + tuple(array.shape))
    return wide.permute(*order, -2, -1)


def _as_computed(array: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What autocast made of ``array`` before the kernel read it."""
    return array if array.dtype == dtype else array.to(dtype)


def _by_items(array: torch.Tensor, lead: tuple[int, ...], items: int) -> torch.Tensor:
    """(…, tokens, d) as (items, heads or kv_heads, tokens, d); what all items share is spread over them."""
    return array.expand(*lead[:-1], *array.shape[max(0, len(lead) - 1) :]).reshape(items, -1, *array.shape[-2:])
