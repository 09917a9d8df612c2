"""Attention without a mistake, as people compute it: at once, in blocks, by torch's kernels, in each type."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as functional
from planted_attention import MINUS, Problem, attention, hiding, logits, roped
from torch.nn.attention import SDPBackend, sdpa_kernel

LOW = -1e4  # in the range of every type


def _mask(p: Problem) -> torch.Tensor:
    """What is added to the scores, with four axes, as the kernels want it."""
    added = torch.zeros(1, 1, p.queries, p.keys, dtype=p.query.dtype) if p.bias is None else p.bias[None]
    return added.masked_fill(~hiding(p), MINUS)


def by_kernel(p: Problem, backend: SDPBackend) -> torch.Tensor | None:
    """scaled_dot_product_attention, where it can."""
    if p.softcap is not None or p.sinks is not None:
        return None
    query, key = roped(p)
    with sdpa_kernel(backend):
        return torch.nan_to_num(
            functional.scaled_dot_product_attention(
                query, key, p.value, attn_mask=_mask(p), scale=p.factor, enable_gqa=p.heads != p.kv_heads
            )
        )


def flash(p: Problem) -> torch.Tensor | None:
    return by_kernel(p, SDPBackend.FLASH_ATTENTION) if p.width == p.value.shape[-1] else None


def math_kernel(p: Problem) -> torch.Tensor | None:
    return by_kernel(p, SDPBackend.MATH)


def eager(p: Problem) -> torch.Tensor:
    """Every step stored in the type."""
    return attention(p)


def eager_float_softmax(p: Problem) -> torch.Tensor:
    """As transformers' eager attention: softmax in float32, the weights stored in the type."""
    if p.sinks is not None:
        return attention(p)
    scores = logits(p, *roped(p)) + (0 if p.bias is None else p.bias)
    weights = scores.masked_fill(~hiding(p), MINUS).softmax(-1, dtype=torch.float32).to(p.query.dtype)
    return torch.nan_to_num(weights) @ p.value.repeat_interleave(p.heads // p.kv_heads, dim=1)


def scaled_query(p: Problem) -> torch.Tensor:
    """The scale on the query, before the product."""
    query, key = roped(p)
    return attention(p, query * p.factor, key, scale=1.0)


def in_blocks(p: Problem, size: int = 8) -> torch.Tensor:
    """A running maximum and total, as in flash attention, in 2 to the logits."""
    scores = logits(p, *roped(p)) + (0 if p.bias is None else p.bias)
    scores = (scores * 1.4426950408889634).masked_fill(~hiding(p), MINUS)
    value = p.value.repeat_interleave(p.heads // p.kv_heads, dim=1)
    largest = torch.full_like(scores[..., :1], LOW)
    total, sums = torch.zeros_like(largest), torch.zeros(*scores.shape[:-1], value.shape[-1], dtype=scores.dtype)
    for start in range(0, p.keys, size):
        part = scores[..., start : start + size]
        new = torch.maximum(largest, part.amax(-1, keepdim=True))
        powers, kept = torch.exp2(part - new), torch.exp2(largest - new)
        total = total * kept + powers.sum(-1, keepdim=True)
        sums = sums * kept + powers @ value[..., start : start + size, :]
        largest = new
    if p.sinks is not None:
        total = total + torch.exp2(p.sinks.view(1, -1, 1, 1) * 1.4426950408889634 - largest)
    return sums / torch.where(total == 0, 1, total)


def autocast(p: Problem) -> torch.Tensor | None:
    if p.query.dtype != torch.float32:
        return None
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return attention(p)


def _cut(x: torch.Tensor) -> torch.Tensor:
    """The numbers that a TF32 product is given: 10 bits after the first."""
    bits = x.contiguous().view(torch.int32)
    return ((bits + 0x1000) & ~0x1FFF).view(torch.float32)


def tf32(p: Problem) -> torch.Tensor | None:
    if p.query.dtype != torch.float32:
        return None
    query, key = roped(p)
    scores = logits(p, _cut(query), _cut(key)) + (0 if p.bias is None else p.bias)
    scores = scores.masked_fill(~hiding(p), MINUS)
    largest = scores.amax(-1, keepdim=True).clamp_min(LOW)
    powers = torch.exp(scores - largest)
    total = powers.sum(-1, keepdim=True)
    if p.sinks is not None:
        total = total + torch.exp(p.sinks.view(1, -1, 1, 1) - largest)
    value = _cut(p.value).repeat_interleave(p.heads // p.kv_heads, dim=1)
    return _cut(powers) @ value / torch.where(total == 0, 1, total)


def wide(p: Problem) -> torch.Tensor:
    """In float64, stored in the type."""
    return attention(
        replace(
            p,
            **{
                name: one.double()
                for name, one in vars(p).items()
                if isinstance(one, torch.Tensor) and one.is_floating_point()
            },
        )
    ).to(p.query.dtype)


WAYS = (flash, math_kernel, eager, eager_float_softmax, scaled_query, in_blocks, autocast, tf32, wide)
