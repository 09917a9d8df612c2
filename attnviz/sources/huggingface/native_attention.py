"""The attention that a model computes when it is not watched: its fast kernel, or its own code where none can do it."""

from __future__ import annotations

from typing import Any

import torch

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.huggingface.seams import eager_attention, registered_mask, sdpa_attention_forward

CELLS = 1 << 24  # of scores that a model's own code holds at a time


def attention_output(call: AttentionCall, cells: int = CELLS) -> torch.Tensor:
    """The output of the module's attention, (batch, queries, heads, d_v), as the model computes it by itself.

    torch's scaled_dot_product_attention knows neither softcap nor sinks, so models with these (Gemma 2, gpt-oss) run code
    of their own, "eager", on some queries at a time: as many as have ``cells`` scores. Attention that somebody registered
    with transformers is run itself, or nothing would be known of what this model computes.
    """
    if (own := call.own_kernel) is not None:
        mask = None if registered_mask(call.implementation) is None else call.mask
        computed: torch.Tensor = own(*call[1:5], mask, **call.options)[0]
        return computed
    if not call.is_plain:
        output: torch.Tensor = sdpa_attention_forward(*call[1:6], **call.options)[0]
        return output
    eager = eager_attention(call.module)
    if eager is None:
        raise AttnvizError(
            "{kind} has no attention function of its own to compare with", kind=type(call.module).__name__
        )
    batch, heads, queries, _ = call.query.shape
    size = max(1, cells // (batch * heads * call.keys))
    outputs = []
    for start in range(0, queries, size):
        some = slice(start, min(start + size, queries))
        query, added, options = call.query[:, :, some], _added_mask(call, some), _options_of(call, some)
        outputs.append(eager(call.module, query, call.key, call.value, added, **options)[0])
    return torch.cat(outputs, dim=1)


def _added_mask(call: AttentionCall, queries: slice) -> torch.Tensor | None:
    """The mask of some queries as such functions take it: 0 where a query may look, the lowest number elsewhere."""
    mask, device = call.mask, call.query.device
    if call.is_causal:
        positions = torch.arange(queries.start, queries.stop, device=device)[:, None]
        mask = (torch.arange(call.keys, device=device) <= positions)[None, None]  # (1, 1, some queries, keys)
    elif mask is not None and mask.shape[-2] > 1:
        mask = mask[..., queries, :]
    if mask is None or mask.dtype is not torch.bool:
        return mask
    zero = torch.zeros((), dtype=call.query.dtype, device=device)
    return torch.where(mask, zero, torch.finfo(call.query.dtype).min)


def _options_of(call: AttentionCall, queries: slice) -> dict[str, Any]:
    """The options of some queries."""
    bias = call.options.get("position_bias")
    if bias is None or bias.shape[-2] != call.queries:
        return call.options
    return call.options | {"position_bias": bias[..., queries, :]}
