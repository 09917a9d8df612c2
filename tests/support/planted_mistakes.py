"""The mistakes of ``planted_attention``, each as somebody might have written it."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from planted_attention import (
    MINUS,
    Problem,
    allowed,
    attention,
    hiding,
    logits,
    out,
    planted,
    roped,
    rotate,
    softmax,
    with_problem,
)

Output = torch.Tensor | None
LOW = -1e4  # in the range of every type


@planted("scale-missing")
def no_scale(p: Problem) -> Output:
    return attention(p, scale=1.0)


@planted("scale-value")
def scale_of_model(p: Problem) -> Output:
    return attention(p, scale=(p.width * p.heads) ** -0.5) if p.heads > 1 else None


@planted("scale-value")
def scale_unrooted(p: Problem) -> Output:
    return attention(p, scale=1 / p.width)


@planted("scale-value")
def scale_twice(p: Problem) -> Output:
    query, key = roped(p)
    return attention(p, query * p.factor, key)


@planted("scale-value")
def scale_inverted(p: Problem) -> Output:
    return attention(p, scale=math.sqrt(p.width)) if p.scale is None else None


@planted("scale-value")
def scale_of_another_d(p: Problem) -> Output:
    return attention(p, scale=1 / math.sqrt(p.width + 5))


@planted("exp2")
def powers_of_two(p: Problem) -> Output:
    if p.bias is not None or p.sinks is not None:
        return None
    scores = logits(p, *roped(p)).masked_fill(~hiding(p), MINUS)
    powers = torch.exp2(scores - scores.amax(-1, keepdim=True))
    return out(p, torch.nan_to_num(powers / powers.sum(-1, keepdim=True)))


@planted("causal-missing")
def not_causal(p: Problem) -> Output:
    return with_problem(p, causal=False) if p.causal and p.window is None else None


@planted("causal-extra")
def too_causal(p: Problem) -> Output:
    return None if p.causal else with_problem(p, causal=True)


@planted("causal-top-left")
def top_left(p: Problem) -> Output:
    if not p.causal or not p.offset or p.window is not None:
        return None
    return attention(p, seen=hiding(p, offset=0))


@planted("causal-bottom-right")
def bottom_right(p: Problem) -> Output:
    if not p.causal or p.queries == p.keys or p.offset == p.keys - p.queries or p.window is not None:
        return None
    return attention(p, seen=hiding(p, offset=p.keys - p.queries))


@planted("causal-hides-self")
def hides_self(p: Problem) -> Output:
    return attention(p, seen=hiding(p, diagonal=-1)) if p.causal else None


@planted("causal-leaks-next")
def leaks_next(p: Problem) -> Output:
    return attention(p, seen=hiding(p, diagonal=1)) if p.causal and p.window != 1 else None


@planted("groups-tiled")
def tiled(p: Problem) -> Output:
    if not 1 < p.kv_heads < p.heads:
        return None
    query, key = roped(p)
    times = p.heads // p.kv_heads
    return attention(p, query, key.repeat(1, times, 1, 1), p.value.repeat(1, times, 1, 1))


@planted("groups-first")
def first_group(p: Problem) -> Output:
    if p.kv_heads == 1:
        return None
    query, key = roped(p)
    return attention(p, query, key[:, :1], p.value[:, :1])


@planted("mask-inverted")
def inverted(p: Problem) -> Output:
    return None if p.mask is None else attention(p, seen=allowed(p) & ~p.mask)


@planted("mask-missing")
def unmasked(p: Problem) -> Output:
    return None if p.mask is None else with_problem(p, mask=None)


@planted("mask-added")
def added_as_numbers(p: Problem) -> Output:
    if p.mask is None:
        return None
    scores = logits(p, *roped(p)) + (0 if p.bias is None else p.bias) + p.mask.to(p.query.dtype)
    return out(p, softmax(p, scores.masked_fill(~allowed(p), MINUS)))


@planted("mask-after-softmax")
def masked_after(p: Problem) -> Output:
    if p.mask is None:
        return None
    scores = logits(p, *roped(p)) + (0 if p.bias is None else p.bias)
    return out(p, softmax(p, scores.masked_fill(~allowed(p), MINUS)) * p.mask)


@planted("mask-zero-scores")
def masked_with_zero(p: Problem) -> Output:
    if p.mask is None:
        return None
    scores = logits(p, *roped(p)) + (0 if p.bias is None else p.bias)
    return out(p, softmax(p, (scores * p.mask).masked_fill(~allowed(p), MINUS)))


@planted("mask-too-weak")
def masked_weakly(p: Problem) -> Output:
    if p.mask is None:
        return None
    scores = logits(p, *roped(p)) + (0 if p.bias is None else p.bias) - 3.0 * (~p.mask).to(p.query.dtype)
    return out(p, softmax(p, scores.masked_fill(~allowed(p), MINUS)))


@planted("mask-wrong-side")
def padded_left(p: Problem) -> Output:
    return with_problem(p, mask=p.mask.flip(-1)) if p.mask is not None and p.mask.shape[2] == 1 else None


@planted("mask-wrong-axis")
def masked_queries(p: Problem) -> Output:
    if p.mask is None or p.queries != p.keys:
        return None
    return with_problem(p, mask=p.mask.transpose(-1, -2))


@planted("window-off-by-one")
def window_wider(p: Problem) -> Output:
    return None if p.window is None else with_problem(p, window=p.window + 1)


@planted("window-missing")
def no_window(p: Problem) -> Output:
    return None if p.window is None else with_problem(p, window=None)


@planted("window-both-sided")
def window_both(p: Problem) -> Output:
    return with_problem(p, causal=False) if p.causal and p.window not in (None, 1) else None


@planted("window-value")
def another_window(p: Problem) -> Output:
    return None if p.window is None else with_problem(p, window=p.window + 3)


@planted("softcap-missing")
def uncapped(p: Problem) -> Output:
    return None if p.softcap is None else with_problem(p, softcap=None)


@planted("softcap-before-scale")
def capped_first(p: Problem) -> Output:
    if p.softcap is None:
        return None
    query, key = roped(p)
    raw = logits(replace(p, softcap=None), query, key, 1.0)
    scores = p.softcap * torch.tanh(raw / p.softcap) * p.factor + (0 if p.bias is None else p.bias)
    return out(p, softmax(p, scores.masked_fill(~hiding(p), MINUS)))


@planted("softcap-after-mask")
def capped_last(p: Problem) -> Output:
    if p.softcap is None:
        return None
    scores = logits(replace(p, softcap=None), *roped(p)) + (0 if p.bias is None else p.bias)
    scores = scores.masked_fill(~hiding(p), MINUS)
    return out(p, softmax(p, p.softcap * torch.tanh(scores / p.softcap)))


@planted("softcap-value")
def another_cap(p: Problem) -> Output:
    return None if p.softcap is None else with_problem(p, softcap=p.softcap * 1.7)


@planted("sinks-missing")
def no_sinks(p: Problem) -> Output:
    return None if p.sinks is None else with_problem(p, sinks=None)


@planted("sinks-not-shifted")
def sinks_unshifted(p: Problem) -> Output:
    if p.sinks is None:
        return None
    scores = logits(p, *roped(p)) + (0 if p.bias is None else p.bias)
    scores = scores.masked_fill(~hiding(p), MINUS)
    powers = torch.exp(scores - scores.amax(-1, keepdim=True).clamp_min(LOW))
    total = powers.sum(-1, keepdim=True) + torch.exp(p.sinks).view(1, -1, 1, 1)
    return out(p, powers / total)


@planted("bias-missing")
def unbiased(p: Problem) -> Output:
    return None if p.bias is None else with_problem(p, bias=None)


@planted("bias-negated")
def bias_subtracted(p: Problem) -> Output:
    return None if p.bias is None else with_problem(p, bias=-p.bias)


@planted("bias-scaled")
def bias_before_scale(p: Problem) -> Output:
    return None if p.bias is None else with_problem(p, bias=p.bias * p.factor)


@planted("bias-transposed")
def bias_turned(p: Problem) -> Output:
    if p.bias is None or p.queries != p.keys:
        return None
    return with_problem(p, bias=p.bias.transpose(-1, -2))


@planted("bias-heads-reordered")
def bias_flipped(p: Problem) -> Output:
    return with_problem(p, bias=p.bias.flip(0)) if p.bias is not None and p.heads > 1 else None


def _rows(x: torch.Tensor) -> torch.Tensor:
    """(items, tokens, heads · d), as a projection gives it."""
    return x.transpose(1, 2).flatten(2)


def _viewed(x: torch.Tensor) -> torch.Tensor:
    items, heads, tokens, width = x.shape
    return _rows(x).view(items, heads, tokens, width)


@planted("heads-not-transposed-in")
def viewed_in(p: Problem) -> Output:
    if p.heads == 1 or p.rope_theta is not None:
        return None
    return attention(p, _viewed(p.query), _viewed(p.key), _viewed(p.value))


@planted("heads-not-transposed-out")
def viewed_out(p: Problem) -> Output:
    if p.heads == 1:
        return None
    right = attention(p)
    items, heads, tokens, width = right.shape
    joined = right.contiguous().view(items, tokens, heads * width)
    return joined.view(items, tokens, heads, width).transpose(1, 2)


@planted("heads-reversed")
def reversed_heads(p: Problem) -> Output:
    return attention(p).flip(1) if p.heads > 1 else None


@planted("key-value-swapped")
def swapped_key_value(p: Problem) -> Output:
    if p.key.shape != p.value.shape or p.rope_theta is not None:
        return None
    return attention(p, None, p.value, p.key)


@planted("query-key-swapped")
def swapped_query_key(p: Problem) -> Output:
    if p.query.shape != p.key.shape:
        return None
    query, key = roped(p)
    return attention(p, key, query)


@planted("keys-shifted")
def rolled_keys(p: Problem) -> Output:
    query, key = roped(p)
    return attention(p, query, key.roll(1, dims=2)) if p.rope_theta is None else None


@planted("values-shifted")
def rolled_values(p: Problem) -> Output:
    return attention(p, value=p.value.roll(-1, dims=2))


@planted("rope-missing")
def not_turned(p: Problem) -> Output:
    return None if p.rope_theta is None else attention(p, p.query, p.key)


@planted("rope-missing")
def key_not_turned(p: Problem) -> Output:
    return None if p.rope_theta is None else attention(p, None, p.key)


@planted("rope-interleaved")
def other_pairs(p: Problem) -> Output:
    return with_problem(p, rope_interleaved=not p.rope_interleaved) if p.rope_theta else None


@planted("rope-offset")
def cached_query_from_zero(p: Problem) -> Output:
    return attention(p, roped(p, query_start=0)[0]) if p.rope_theta and p.offset else None


@planted("rope-dims")
def turned_too_much(p: Problem) -> Output:
    return with_problem(p, rope_dims=None) if p.rope_theta and p.rope_dims else None


@planted("rope-twice")
def turned_twice(p: Problem) -> Output:
    if not p.rope_theta:
        return None
    once = replace(p, query=roped(p)[0], key=roped(p)[1])
    return attention(once)


@planted("rope-theta")
def another_theta(p: Problem) -> Output:
    return with_problem(p, rope_theta=2e4) if p.rope_theta else None


@planted("rope-reversed")
def other_direction(p: Problem) -> Output:
    if not p.rope_theta:
        return None
    settings = (p.rope_theta, p.rope_dims, p.rope_interleaved, -1.0)
    query = rotate(p.query, torch.arange(p.offset, p.offset + p.queries), *settings)
    return attention(p, query, rotate(p.key, torch.arange(p.keys), *settings))


def _masked_scores(p: Problem) -> torch.Tensor:
    scores = logits(p, *roped(p)) + (0 if p.bias is None else p.bias)
    return scores.masked_fill(~hiding(p), MINUS)


@planted("softmax-over-queries")
def wrong_axis(p: Problem) -> Output:
    return out(p, torch.nan_to_num(_masked_scores(p).softmax(-2))) if p.sinks is None else None


@planted("softmax-over-heads")
def over_heads(p: Problem) -> Output:
    return out(p, torch.nan_to_num(_masked_scores(p).softmax(1))) if p.heads > 1 and p.sinks is None else None


@planted("softmax-twice")
def twice(p: Problem) -> Output:
    return out(p, softmax(p, _masked_scores(p)).softmax(-1))


@planted("not-normalised")
def undivided(p: Problem) -> Output:
    scores = _masked_scores(p)
    return out(p, torch.exp(scores - scores.amax(-1, keepdim=True).clamp_min(LOW)))


@planted("hidden-rows-nan")
def nan_rows(p: Problem) -> Output:
    if p.sinks is not None or bool((hiding(p).any(-1)).all()):
        return None
    return out(p, _masked_scores(p).softmax(-1))


@planted("tile-lost")
def lost_tile(p: Problem) -> Output:
    kept = p.keys // 16 * 16
    if kept == p.keys or not kept or (p.causal and p.offset + p.queries <= kept):
        return None
    return attention(p, seen=hiding(p) & (torch.arange(p.keys) < kept))


@planted("tile-not-rescaled")
def not_rescaled(p: Problem) -> Output:
    scores = _masked_scores(p)
    total = torch.zeros(*scores.shape[:-1], 1, dtype=scores.dtype)
    largest = torch.full_like(total, LOW)
    sums = torch.zeros(*scores.shape[:-1], p.value.shape[-1], dtype=scores.dtype)
    value = p.value.repeat_interleave(p.heads // p.kv_heads, dim=1)
    for start in range(0, p.keys, 8):
        part = scores[..., start : start + 8]
        new = torch.maximum(largest, part.amax(-1, keepdim=True))
        powers = torch.exp(part - new)
        total = total * torch.exp(largest - new) + powers.sum(-1, keepdim=True)
        sums = sums + powers @ value[..., start : start + 8, :]  # sums * torch.exp(largest - new) was left out
        largest = new
    if p.sinks is not None:
        total = total + torch.exp(p.sinks.view(1, -1, 1, 1) - largest)
    return sums / total.clamp_min(1e-30)


@planted("rounded")
def rounded_weights(p: Problem) -> Output:
    if p.query.dtype != torch.float32:
        return None
    return out(p, softmax(p, _masked_scores(p)).bfloat16().float())


def _in(p: Problem, output: torch.Tensor, **where: slice) -> torch.Tensor:
    """``output`` in a part, what was meant elsewhere."""
    right = attention(p).clone()
    places = tuple(where.get(axis, slice(None)) for axis in ("items", "heads", "queries"))
    right[places] = output[places]
    return right


@planted("scale-missing@head")
def one_head(p: Problem) -> Output:
    return _in(p, attention(p, scale=1.0), heads=slice(1, 2)) if p.heads > 1 else None


@planted("scale-missing@item")
def one_item(p: Problem) -> Output:
    return _in(p, attention(p, scale=1.0), items=slice(1, 2)) if p.query.shape[0] > 1 else None


@planted("scale-missing@rows")
def one_block(p: Problem) -> Output:
    return _in(p, attention(p, scale=1.0), queries=slice(8, 16)) if p.queries > 12 else None
