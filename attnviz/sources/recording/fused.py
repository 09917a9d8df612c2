"""Attention that torch computes in one call, from what the call was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from attnviz.sources.recording.captured import Captured, Split, split_lead
from attnviz.sources.recording.scores import UnnamedError
from attnviz.text.message import Message

SDPA = "scaled_dot_product_attention"
PARAMETERS = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa")


def sdpa(args: tuple[Any, ...], kwargs: Mapping[str, Any], output: torch.Tensor, split: Split) -> Captured:
    """What a call of ``scaled_dot_product_attention`` computed with; ``UnnamedError`` where its items have lengths of their own."""
    given = dict(zip(PARAMETERS, args, strict=False)) | dict(kwargs)
    query, key, value, mask = given["query"], given["key"], given["value"], given.get("attn_mask")
    if query.is_nested or key.is_nested:
        raise UnnamedError(Message("its items are nested tensors, each of a length of its own"))
    query, key, value = (_as_computed(one, output.dtype) for one in (query, key, value))
    items, heads = split(tuple(query.shape[:-2]))
    lead = tuple(output.shape[:-2])
    if mask is not None:
        mask = split_lead(mask.reshape((1,) * (output.ndim - mask.ndim) + tuple(mask.shape)), lead, items, heads)
    query, key, value = (_by_items(one, lead, items) for one in (query, key, value))
    return Captured(
        query,
        key,
        value,
        output=output.reshape(items, heads, *output.shape[-2:]),
        masks=() if mask is None else (mask,),
        causal=bool(given.get("is_causal", False)),
        scale=given.get("scale"),
        dropped=given.get("dropout_p", 0.0) > 0,
    )


def _as_computed(array: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What autocast made of ``array`` before the kernel read it."""
    return array if array.dtype == dtype else array.to(dtype)


def _by_items(array: torch.Tensor, lead: tuple[int, ...], items: int) -> torch.Tensor:
    """(…, tokens, d) as (items, heads or kv_heads, tokens, d); what all items share is spread over them."""
    own = tuple(array.shape[:-2])
    wide = lead if len(own) < len(lead) else (*lead[: len(own) - 1], own[-1]) if own else ()
    return array.expand(*wide, *array.shape[-2:]).reshape(items, -1, *array.shape[-2:])
