"""Whole implementations of attention with a mistake in them, each in its author's own way: none is made of another's parts.

``REPLAYED`` has each with what was meant and the names that may be given to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as functional

Tensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Replayed(NamedTuple):
    """shape: heads, kv_heads, queries, keys, d · meant: the options of ``diagnose`` · names: any of them is right"""

    names: tuple[str, ...]
    shape: tuple[int, int, int, int, int]
    meant: dict[str, Any]
    run: Callable[..., torch.Tensor]


REPLAYED: list[Replayed] = []


def replay(names: str, shape: tuple[int, int, int, int, int] = (4, 4, 24, 24, 16), **meant: Any) -> Any:
    def register(run: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        REPLAYED.append(Replayed(tuple(names.split()), shape, meant, run))
        return run

    return register


CACHE = (4, 4, 6, 24, 16)
GROUPS = (6, 2, 24, 24, 16)


@replay("causal-top-left", CACHE, causal=True, query_offset=18)
def kernel_is_causal_with_cache(q, k, v):
    return functional.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True)[0]


@replay("causal-hides-self", causal=True)
def triu_of_zero(q, k, v):
    s = torch.einsum("hqd,hkd->hqk", q, k) / q.shape[-1] ** 0.5
    future = torch.triu(torch.ones(s.shape[-2:], dtype=torch.bool), diagonal=0)
    return torch.einsum("hqk,hkd->hqd", torch.nan_to_num(torch.softmax(s.masked_fill(future, -torch.inf), -1)), v)


@replay("causal-reversed", causal=True)
def tril_instead_of_triu(q, k, v):
    s = q @ k.mT / math.sqrt(q.size(-1))
    s += torch.tril(torch.full(s.shape[-2:], -torch.inf), diagonal=-1)
    return s.softmax(-1) @ v


@replay("groups-tiled", GROUPS)
def repeated_heads(q, k, v):
    n = q.size(0) // k.size(0)
    return functional.scaled_dot_product_attention(q, torch.cat([k] * n), torch.cat([v] * n))


@replay("scale-value", (4, 4, 24, 24, 16))
def scaled_twice(q, k, v):
    q = q / math.sqrt(q.size(-1))
    return functional.scaled_dot_product_attention(q, k, v)


@replay("scale-value", (4, 4, 24, 24, 16))
def width_of_all_heads(q, k, v):
    x = [t.permute(1, 0, 2).flatten(1) for t in (q, k, v)]
    d_model = x[0].shape[-1]
    heads = [t.view(t.shape[0], 4, -1).transpose(0, 1) for t in x]
    return torch.softmax(heads[0] @ heads[1].transpose(1, 2) * d_model**-0.5, dim=2) @ heads[2]


@replay("softmax-over-queries")
def softmax_of_dim_1(q, k, v):
    return torch.softmax((q @ k.transpose(1, 2)) / 4, dim=1) @ v


@replay("softmax-over-heads")
def softmax_of_dim_0(q, k, v):
    return torch.softmax((q @ k.transpose(1, 2)) / 4, dim=0) @ v


@replay("heads-not-transposed-in")
def reshaped_and_not_permuted(q, k, v):
    h, t, d = q.shape
    rows = [x.transpose(0, 1).reshape(t, h * d) for x in (q, k, v)]
    q, k, v = (x.reshape(h, t, d) for x in rows)
    return functional.scaled_dot_product_attention(q, k, v)


@replay("heads-not-transposed-out")
def joined_without_permute(q, k, v):
    h, t, d = q.shape
    o = functional.scaled_dot_product_attention(q, k, v)
    return o.reshape(t, h * d).view(t, h, d).permute(1, 0, 2)


@replay("heads-interleaved-in")
def head_axis_last(q, k, v):
    h, t, d = q.shape
    q, k, v = (x.permute(1, 0, 2).reshape(t, d, h).permute(2, 0, 1) for x in (q, k, v))
    return functional.scaled_dot_product_attention(q, k, v)


@replay("mask-inverted", mask="padding")
def true_hides(q, k, v, mask):
    s = q @ k.mT / 4
    s[:, mask.expand(s.shape[1:])] = -1e9
    return s.softmax(-1) @ v


@replay("mask-zero-scores", mask="padding")
def multiplied_by_mask(q, k, v, mask):
    return ((q @ k.mT / 4) * mask.float()).softmax(-1) @ v


@replay("mask-zero-scores", causal=True)
def tril_of_the_scores(q, k, v):
    return torch.tril(q @ k.mT / 4).softmax(-1) @ v


@replay("mask-after-softmax", causal=True)
def tril_of_the_weights(q, k, v):
    return torch.tril((q @ k.mT / 4).softmax(-1)) @ v


@replay("mask-zero-scores", mask="padding")
def a_small_number_and_not_a_low_one(q, k, v, mask):
    return (q @ k.mT / 4).masked_fill(~mask, torch.finfo(q.dtype).tiny).softmax(-1) @ v


@replay("mask-added", mask="padding")
def added_as_float(q, k, v, mask):
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask.float().expand(q.shape[1], -1))


@replay("mask-too-weak", mask="padding")
def minus_ten(q, k, v, mask):
    return (q @ k.mT / 4 - 10.0 * (~mask)).softmax(-1) @ v


@replay("window-off-by-one", causal=True, window=5)
def one_more_in_the_window(q, k, v):
    t = torch.arange(q.shape[1])
    near = (t[None] <= t[:, None]) & (t[None] >= t[:, None] - 5)
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=near)


@replay("window-in-blocks", causal=True, window=6)
def local_blocks(q, k, v):
    t = torch.arange(q.shape[1])
    same = (t[:, None] // 6 == t[None] // 6) & (t[None] <= t[:, None])
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=same)


@replay("bias-negated", bias="distance")
def wrong_sign_of_slopes(q, k, v, bias):
    return (q @ k.mT / 4 - bias).softmax(-1) @ v


@replay("bias-scaled", bias="distance")
def scaled_with_the_bias(q, k, v, bias):
    return ((q @ k.mT + bias) / 4).softmax(-1) @ v


@replay("bias-heads-reordered", bias="distance")
def slopes_from_the_other_end(q, k, v, bias):
    return (q @ k.mT / 4 + bias[[3, 2, 1, 0]]).softmax(-1) @ v


@replay("softcap-after-mask", causal=True, softcap=3.0)
def cap_over_the_mask(q, k, v):
    s = q @ k.mT / 4 + torch.full((24, 24), -1e9).triu(1)
    return (torch.tanh(s / 3.0) * 3.0).softmax(-1) @ v


@replay("sinks-not-shifted", sinks="drawn")
def sink_beside_the_shifted(q, k, v, sinks):
    s = q @ k.mT / 4
    e = (s - s.max(-1, keepdim=True).values).exp()
    return e @ v / (e.sum(-1, keepdim=True) + sinks.exp()[:, None, None])


@replay("exp2 scale-value")
def two_to_the_scores(q, k, v):
    s = q @ k.mT / 4
    p = 2 ** (s - s.amax(-1, keepdim=True))
    return (p / p.sum(-1, keepdim=True)) @ v


def online(q, k, v, block, rescale_output=True, rescale_total=True, first=-torch.inf, stop=None):
    """Flash attention's loop over blocks of keys."""
    s, acc, m, total = q @ k.mT / 4, 0.0, torch.full((*q.shape[:2], 1), first), 0.0
    for a in range(0, (stop or k.shape[1]), block):
        x = s[..., a : a + block]
        m_new = torch.maximum(m, x.amax(-1, keepdim=True))
        alpha, p = (m - m_new).exp(), (x - m_new).exp()
        acc = acc * (alpha if rescale_output else 1) + p @ v[:, a : a + block]
        total = total * (alpha if rescale_total else 1) + p.sum(-1, keepdim=True)
        m = m_new
    return acc / total


@replay("tile-not-rescaled")
def accumulator_as_it_was(q, k, v):
    return online(q, k, v, 8, rescale_output=False)


@replay("tile-not-rescaled")
def total_as_it_was(q, k, v):
    return online(q, k, v, 4, rescale_total=False)


@replay("tile-lost", (4, 4, 23, 23, 16))
def whole_blocks_only(q, k, v):
    return online(q, k, v, 16, stop=16)


@replay("tile-padding-counted empty-slots-counted", (4, 4, 23, 23, 16))
def padded_with_zeros(q, k, v):
    k, v = (functional.pad(x, (0, 0, 0, 9)) for x in (k, v))
    return functional.scaled_dot_product_attention(q, k, v)


@replay("tiles-averaged")
def merged_without_weights(q, k, v):
    halves = [functional.scaled_dot_product_attention(q, k[:, a], v[:, a]) for a in (slice(12), slice(12, None))]
    return sum(halves) / 2


@replay("causal-in-tiles", causal=True)
def diagonal_tile_without_mask(q, k, v):
    t = torch.arange(q.shape[1])
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=t[None] // 8 <= t[:, None] // 8)


def _llama(x, positions, theta=10000.0, halves=True):
    inverse = theta ** (-torch.arange(0, x.shape[-1], 2).double() / x.shape[-1])
    angles = torch.outer(positions.double(), inverse)
    turn = torch.polar(torch.ones_like(angles), angles)
    pairs = torch.stack(x.double().chunk(2, -1), -1) if halves else x.double().unflatten(-1, (-1, 2))
    turned = torch.view_as_real(torch.view_as_complex(pairs.contiguous()) * turn)
    return (turned.transpose(-1, -2) if halves else turned).flatten(-2).to(x.dtype)


def turning(q, k, v, places_q, places_k, **settings):
    return functional.scaled_dot_product_attention(_llama(q, places_q, **settings), _llama(k, places_k, **settings), v)


@replay("rope-interleaved", rope_theta=10000.0)
def complex_numbers_of_neighbours(q, k, v):
    return turning(q, k, v, torch.arange(24), torch.arange(24), halves=False)


@replay("rope-offset", CACHE, rope_theta=10000.0, query_offset=18)
def new_token_at_zero(q, k, v):
    return turning(q, k, v, torch.arange(6), torch.arange(24))


@replay("rope-theta", rope_theta=500000.0)
def the_old_base(q, k, v):
    return turning(q, k, v, torch.arange(24), torch.arange(24))


@replay("rope-missing", rope_theta=10000.0)
def only_the_query_turned(q, k, v):
    return functional.scaled_dot_product_attention(_llama(q, torch.arange(24)), k, v)


@replay("rope-sign", rope_theta=10000.0)
def no_minus_in_rotate_half(q, k, v):
    angles = torch.outer(torch.arange(24).double(), 10000.0 ** (-torch.arange(0, 16, 2).double() / 16))
    cos, sin = (torch.cat([f, f], -1) for f in (angles.cos(), angles.sin()))

    def apply(x):
        return (x * cos + torch.cat([x[..., 8:], x[..., :8]], -1) * sin).to(x.dtype)

    return functional.scaled_dot_product_attention(apply(q), apply(k), v)


@replay("key-lost", (4, 4, 6, 24, 16))
def newest_key_not_in_the_cache(q, k, v):
    return functional.scaled_dot_product_attention(q, k[:, :-1], v[:, :-1])


@replay("values-shifted")
def values_one_behind(q, k, v):
    return functional.scaled_dot_product_attention(q, k, torch.cat([v[:, -1:], v[:, :-1]], dim=1))


@replay("qkv-split-wrong")
def cut_by_head_first(q, k, v):
    h, t, d = q.shape
    joint = torch.cat([x.transpose(0, 1).flatten(1) for x in (q, k, v)], dim=-1)
    q, k, v = joint.view(t, h, 3, d).permute(2, 1, 0, 3)
    return functional.scaled_dot_product_attention(q, k, v)


@replay("rounded")
def weights_in_half(q, k, v):
    return (q @ k.mT / 4).softmax(-1).half().float() @ v


@replay("not-normalised")
def never_divided(q, k, v):
    return (q @ k.mT / 4).exp() @ v


@replay("scale-after-softmax")
def divided_after(q, k, v):
    return ((q @ k.mT).softmax(-1) / 4) @ v


@replay("hidden-rows-nan", mask="row")
def a_row_of_nan(q, k, v, mask):
    return (q @ k.mT / 4).masked_fill(~mask, -torch.inf).softmax(-1) @ v


@replay("hidden-rows-mean", mask="row")
def a_row_of_means(q, k, v, mask):
    return (q @ k.mT / 4).masked_fill(~mask, -1e9).softmax(-1) @ v


@replay("overflow", scale=0.6)
def exponentials_in_half(q, k, v):
    e = (q.half() @ k.half().mT * 0.6).exp()
    return (e / e.sum(-1, keepdim=True)) @ v.half()


@replay("key-not-transposed")
def viewed_as_columns(q, k, v):
    return (q @ k.reshape(4, 16, 24) / 4).softmax(-1) @ v


@replay("output-zero")
def a_head_that_nobody_wrote(q, k, v):
    o = torch.zeros_like(q)
    o[:3] = functional.scaled_dot_product_attention(q[:3], k[:3], v[:3])
    return o


@replay("softmax-missing")
def relu_and_its_sum(q, k, v):
    s = functional.relu(q @ k.mT / 4)
    return s / s.sum(-1, keepdim=True) @ v


@replay("dropout")
def zeroed_and_not_scaled(q, k, v):
    keep = torch.rand(4, 24, 16, generator=torch.Generator().manual_seed(1)) > 0.2
    return functional.scaled_dot_product_attention(q, k, v) * keep


def inputs(one: Replayed, seed: int = 0) -> tuple[Tensors, dict[str, Any]]:
    """Query, key and value, and what was meant."""
    random = torch.Generator().manual_seed(seed)
    heads, kv_heads, queries, keys, width = one.shape
    query, key, value = (
        torch.randn(*shape, width, generator=random) * 1.5
        for shape in ((heads, queries), (kv_heads, keys), (kv_heads, keys))
    )
    meant = dict(one.meant)
    if meant.get("mask") == "padding":
        meant["mask"] = torch.arange(keys) < keys - 5
    if meant.get("mask") == "row":
        meant["mask"] = torch.rand(queries, keys, generator=random) < 0.6
        meant["mask"][7] = False
    if "bias" in meant:
        slopes = 2.0 ** -torch.arange(1, heads + 1)
        meant["bias"] = -slopes[:, None, None] * (torch.arange(keys) - torch.arange(queries)[:, None]).abs()
    if "sinks" in meant:
        meant["sinks"] = torch.randn(heads, generator=random)
    return (query, key, value), meant


def output(one: Replayed, seed: int = 0) -> torch.Tensor:
    tensors, meant = inputs(one, seed)
    return one.run(*tensors, **{name: meant[name] for name in ("mask", "bias", "sinks") if name in meant})
