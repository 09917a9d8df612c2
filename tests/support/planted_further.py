"""Mistakes of kernels, caches and pages beside those of ``planted_mistakes``, each as somebody might have written it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from planted_attention import MINUS, Problem, allowed, attention, hiding, logits, out, planted, roped, rotate, softmax

Output = torch.Tensor | None


def _scores(p: Problem) -> torch.Tensor:
    scores = logits(p, *roped(p)) + (0 if p.bias is None else p.bias)
    return scores.masked_fill(~hiding(p), MINUS)


def _values(p: Problem) -> torch.Tensor:
    return p.value.repeat_interleave(p.heads // p.kv_heads, dim=1)


@planted("key-groups-tiled")
def keys_tiled(p: Problem) -> Output:
    query, key = roped(p)
    return attention(p, query, key.repeat(1, p.heads // p.kv_heads, 1, 1)) if 1 < p.kv_heads < p.heads else None


@planted("value-groups-tiled")
def values_tiled(p: Problem) -> Output:
    return attention(p, value=p.value.repeat(1, p.heads // p.kv_heads, 1, 1)) if 1 < p.kv_heads < p.heads else None


@planted("heads-exchanged")
def two_heads_swapped(p: Problem) -> Output:
    if p.kv_heads != 4:
        return None
    return attention(p, value=p.value[:, [0, 2, 1, 3]] if p.heads == 4 else p.value[:, [1, 0, 2, 3]])


@planted("head-reads-another@head")
def first_head_reads_the_third(p: Problem) -> Output:
    if p.kv_heads != 4:
        return None
    query, key = roped(p)
    key = key.repeat_interleave(p.heads // 4, dim=1)
    key[:, 0] = key[:, -1]
    return attention(p, query, key)


@planted("sinks-wrong-column")
def first_column_kept(p: Problem) -> Output:
    if p.sinks is None:
        return None
    scores = _scores(p)
    column = p.sinks.view(1, -1, 1, 1).expand(*scores.shape[:-1], 1)
    return out(p, torch.cat([column, scores], dim=-1).softmax(-1)[..., :-1])


@planted("mask-of-other-item")
def masks_rolled(p: Problem) -> Output:
    return None if p.mask is None or len(p.mask) == 1 else attention(p, seen=allowed(p) & p.mask.roll(1, 0))


@planted("mask-of-other-item")
def masks_repeated(p: Problem) -> Output:
    if p.mask is None or len(p.mask) == 1 or p.heads == 1:
        return None
    items = p.query.shape[0]
    flat = p.mask.expand(-1, 1, p.queries, -1)[:, 0].repeat(p.heads, 1, 1)
    return attention(p, seen=allowed(p) & flat.view(items, p.heads, p.queries, p.keys))


@planted("mask-shifted")
def boundaries_one_late(p: Problem) -> Output:
    if p.mask is None or p.mask.shape[2] != p.keys:
        return None
    late = p.mask.clone()
    late[..., 1:, 1:] = p.mask[..., :-1, :-1]
    late[..., 0, 1:], late[..., 1:, 0] = p.mask[..., 0, :-1], p.mask[..., :-1, 0]
    return attention(p, seen=allowed(p) & late)


@planted("chunks-as-window")
def slides(p: Problem) -> Output:
    apart = torch.arange(p.keys)[:, None] - torch.arange(p.keys)
    return attention(p, seen=(apart >= 0) & (apart < 5))


@planted("window-tile-lost")
def first_tile_rounded_up(p: Problem) -> Output:
    if p.window is None:
        return None
    seen = hiding(p).expand(*hiding(p).shape).clone()
    for row in range(0, p.queries, 4):
        start = -(-(p.offset + row - p.window + 1) // 4) * 4
        seen[..., row : row + 4, : max(start, 0)] = False
    return attention(p, seen=seen)


@planted("width-cut")
def half_of_the_width(p: Problem) -> Output:
    query, key = roped(p)
    half = p.width // 2
    return attention(p, query[..., :half], key[..., :half])


@planted("values-not-rescaled")
def eight_bits_as_they_are(p: Problem) -> Output:
    scale = p.value.abs().amax((-1, -2), keepdim=True).float() / 448
    return attention(p, value=(p.value.float() / scale).to(torch.float8_e4m3fn).to(p.value.dtype))


@planted("maximum-starts-finite")
def starts_at_zero(p: Problem) -> Output:
    scores = _scores(p)
    powers = torch.exp(scores - scores.amax(-1, keepdim=True).clamp_min(0.0))
    return out(p, powers / powers.sum(-1, keepdim=True).clamp_min(1e-30)) if p.sinks is None else None


def _in_parts(p: Problem, sizes: Sequence[int]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """The output of each part of the keys, and its log-sum-exp."""
    pairs = list(zip(_scores(p).split(sizes, -1), _values(p).split(sizes, 2), strict=True))
    outputs = [torch.nan_to_num(scores.softmax(-1)) @ value for scores, value in pairs]
    return outputs, [scores.logsumexp(-1, keepdim=True) for scores, _ in pairs]


def _tiles(p: Problem) -> list[int]:
    return [len(one) for one in torch.arange(p.keys).split(8)]


@planted("tiles-summed")
def parts_added(p: Problem) -> Output:
    return sum(_in_parts(p, _tiles(p))[0]) if p.sinks is None else None


@planted("tiles-averaged")
def parts_averaged(p: Problem) -> Output:
    return torch.stack(_in_parts(p, _tiles(p))[0]).mean(0) if p.sinks is None else None


@planted("merged-in-other-base")
def base_two_as_natural(p: Problem) -> Output:
    if p.sinks is not None:
        return None
    outputs, sums = _in_parts(p, [p.keys - p.keys // 2, p.keys // 2])
    shares = torch.nan_to_num((torch.stack(sums) / math.log(2)).softmax(0))
    return (shares * torch.stack(outputs)).sum(0)


@planted("divided-each-tile")
def divided_in_the_loop(p: Problem) -> Output:
    if p.sinks is not None or p.keys <= 8:
        return None
    scores, largest, total, sums = _scores(p), torch.full((), MINUS), torch.zeros(()), torch.zeros(())
    for part, value in zip(scores.split(8, -1), _values(p).split(8, 2), strict=True):
        new = torch.maximum(largest, part.amax(-1, keepdim=True))
        if bool((new == MINUS).any()):
            return None
        powers, factor = torch.exp(part - new), torch.exp(largest - new)
        total = total * factor + powers.sum(-1, keepdim=True)
        sums = (sums * factor + powers @ value) / total
        largest = new
    return sums


@planted("page-replaced")
def stale_page(p: Problem) -> Output:
    if p.keys < 24:
        return None
    query, key = roped(p)
    key, value = key.clone(), p.value.clone()
    key[:, :, 8:16], value[:, :, 8:16] = key[:, :, :8], value[:, :, :8]
    return attention(p, query, key, value)


@planted("tile-moved-to-fit")
def clamped_slice(p: Problem) -> Output:
    if p.keys % 8 == 0:
        return None
    query, key = roped(p)
    start, rest = p.keys - 8, p.keys % 8
    places = torch.cat([torch.arange(p.keys - rest), torch.arange(start, start + rest)])
    return attention(p, query, key[:, :, places], p.value[:, :, places])


@planted("keys-repeated")
def tokens_repeated(p: Problem) -> Output:
    if p.mask is not None or p.sinks is not None or p.softcap is not None:
        return None
    times = p.heads // p.kv_heads
    query, key = roped(p)
    scores = logits(p, query, key.repeat_interleave(times, dim=2))
    seen = torch.arange(p.keys * times) <= torch.arange(p.queries)[:, None] + p.offset
    weights = scores.masked_fill(~seen, MINUS).softmax(-1)
    return weights @ _values(p).repeat_interleave(times, dim=2)


@planted("bias-slopes")
def plain_series(p: Problem) -> Output:
    if p.heads & (p.heads - 1) == 0:
        return None
    distance = (torch.arange(p.keys) - (torch.arange(p.queries)[:, None] + p.offset)).abs()
    return attention(p, bias=-(2.0 ** (-8 * torch.arange(1, p.heads + 1) / p.heads)).view(-1, 1, 1) * distance)


@planted("bias-offset")
def distances_without_the_cache(p: Problem) -> Output:
    distance = (torch.arange(p.keys) - torch.arange(p.queries)[:, None]).abs()
    slopes = -p.bias[:, -1, 0] / (p.offset + p.queries - 1)
    return attention(p, bias=-slopes.view(-1, 1, 1) * distance)


def _turned(p: Problem, query: torch.Tensor, key: torch.Tensor) -> Output:
    """With these positions."""
    settings = (p.rope_theta, p.rope_dims, p.rope_interleaved)
    return attention(p, rotate(p.query, query, *settings), rotate(p.key, key, *settings))


def _positions(p: Problem) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.arange(p.offset, p.offset + p.queries), torch.arange(p.keys)


@planted("rope-clamped")
def short_table(p: Problem) -> Output:
    return _turned(p, *(one.clamp(max=p.keys * 2 // 3) for one in _positions(p)))


@planted("rope-wrapped")
def slots_as_positions(p: Problem) -> Output:
    return _turned(p, _positions(p)[0], _positions(p)[1] % 16) if p.keys > 18 else None


@planted("rope-twice")
def cache_turned_again(p: Problem) -> Output:
    if not p.rope_theta or not p.offset:
        return None
    query, key = _positions(p)
    return _turned(p, query, torch.where(key < p.offset, 2 * key, key))


@planted("rope-position-scaled")
def keys_stretched(p: Problem) -> Output:
    query, key = _positions(p)
    return _turned(p, query, key / 4)


@planted("rope-angles-rounded")
def angles_in_half(p: Problem) -> Output:
    def turned(x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        dims = p.rope_dims or p.width
        inverse = (1.0 / p.rope_theta ** (torch.arange(0, dims, 2).float() / dims)).bfloat16()
        angles = positions.bfloat16()[:, None] * inverse
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        part, rest = x[..., :dims], x[..., dims:]
        if p.rope_interleaved:
            first, second = part[..., ::2], part[..., 1::2]
            pair = torch.stack((first * cos - second * sin, second * cos + first * sin), -1).flatten(-2)
        else:
            first, second = part.chunk(2, -1)
            pair = torch.cat((first * cos - second * sin, second * cos + first * sin), -1)
        return torch.cat((pair, rest), -1)

    query, key = _positions(p)
    return attention(p, turned(p.query, query), turned(p.key, key))


@planted("causal-top-left")
def one_query_a_call(p: Problem) -> Output:
    if not p.causal or not p.offset or p.window is not None or p.mask is not None:
        return None
    return attention(p, seen=(torch.arange(p.keys) == 0).expand(p.queries, -1))


@planted("tile-lost")
def tile_in_the_middle(p: Problem) -> Output:
    places = torch.arange(p.keys)
    return attention(p, seen=hiding(p) & ((places < 16) | (places >= 32))) if p.keys > 34 else None


@planted("sinks-per-tile")
def sinks_of_each_split(p: Problem) -> Output:
    if p.sinks is None:
        return None
    return out(p, softmax(replace(p, sinks=p.sinks + math.log(3)), _scores(p)))
