"""Mistakes that attnviz has no name for, in torch: none of them may be given one."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as functional
from planted_attention import MINUS, Problem, attention, hiding, logits, out, roped, softmax

Unlisted = Callable[[Problem, torch.Generator], torch.Tensor | None]


def _scores(p: Problem) -> torch.Tensor:
    scores = logits(p, *roped(p)) + (0 if p.bias is None else p.bias)
    return scores.masked_fill(~hiding(p), MINUS)


def _normal(p: Problem, random: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=random, dtype=p.query.dtype)


def keys_normalised(p: Problem, _: torch.Generator) -> torch.Tensor:
    query, key = roped(p)
    return attention(p, query, key * torch.rsqrt(key.pow(2).mean(-1, keepdim=True) + 1e-6))


def both_unit(p: Problem, _: torch.Generator) -> torch.Tensor:
    query, key = roped(p)
    return attention(p, functional.normalize(query, dim=-1), functional.normalize(key, dim=-1))


def turned_at_random(p: Problem, random: torch.Generator) -> torch.Tensor:
    turns = torch.linalg.qr(_normal(p, random, p.heads, p.width, p.width))[0]
    query, key = roped(p)
    return attention(p, query @ turns, key)


def weights_to_a_power(p: Problem, _: torch.Generator) -> torch.Tensor | None:
    if p.sinks is None and p.bias is None and p.softcap is None:
        return out(p, softmax(p, _scores(p)).pow(1.7))
    return None


def values_gathered(p: Problem, random: torch.Generator) -> torch.Tensor:
    return attention(p, value=p.value[:, :, torch.randperm(p.keys, generator=random)])


def values_activated(p: Problem, _: torch.Generator) -> torch.Tensor:
    return attention(p, value=functional.gelu(p.value))


def output_activated(p: Problem, _: torch.Generator) -> torch.Tensor:
    return torch.tanh(attention(p))


def output_added_to_query(p: Problem, _: torch.Generator) -> torch.Tensor | None:
    return attention(p) + p.query if p.query.shape[-1] == p.value.shape[-1] else None


def only_the_largest(p: Problem, _: torch.Generator) -> torch.Tensor:
    scores = _scores(p)
    kth = scores.topk(min(4, p.keys), dim=-1).values[..., -1:]
    return out(p, softmax(p, scores.masked_fill(scores < kth, MINUS)))


def euclidean(p: Problem, _: torch.Generator) -> torch.Tensor:
    query, key = roped(p)
    key = key.repeat_interleave(p.heads // p.kv_heads, dim=1)
    return out(p, softmax(p, (-torch.cdist(query, key)).masked_fill(~hiding(p), MINUS)))


def scale_of_each_query(p: Problem, _: torch.Generator) -> torch.Tensor:
    query, key = roped(p)
    return attention(p, query * torch.log(torch.arange(p.queries) + 2.0).to(query.dtype)[:, None], key)


def heads_mixed(p: Problem, random: torch.Generator) -> torch.Tensor | None:
    if p.heads == 1:
        return None
    return torch.einsum("gh,bhqd->bgqd", _normal(p, random, p.heads, p.heads), attention(p))


def noise_on_output(p: Problem, random: torch.Generator) -> torch.Tensor:
    right = attention(p)
    return right + 0.03 * _normal(p, random, *right.shape)


def noise_on_keys(p: Problem, random: torch.Generator) -> torch.Tensor:
    query, key = roped(p)
    return attention(p, query, key + 0.1 * _normal(p, random, *key.shape))


def int8_keys(p: Problem, _: torch.Generator) -> torch.Tensor:
    query, key = roped(p)
    step = key.abs().amax(-1, keepdim=True) / 7
    return attention(p, query, (key / step).round() * step)


def one_number_wrong(p: Problem, _: torch.Generator) -> torch.Tensor:
    right = attention(p).clone()
    right[0, 0, p.queries // 2, 0] += 0.5
    return right


def two_rows_exchanged(p: Problem, _: torch.Generator) -> torch.Tensor | None:
    if p.queries < 8:
        return None
    order = torch.arange(p.queries)
    order[2], order[6] = 6, 2
    return attention(p)[:, :, order]


def keys_averaged(p: Problem, _: torch.Generator) -> torch.Tensor:
    query, key = roped(p)
    return attention(p, query, (key + key.roll(1, dims=2)) / 2)


def alibi_not_asked(p: Problem, _: torch.Generator) -> torch.Tensor:
    slopes = 2.0 ** -torch.arange(1, p.heads + 1, dtype=p.query.dtype)
    away = (torch.arange(p.keys)[None] - (torch.arange(p.queries)[:, None] + p.offset)).abs()
    bias = -slopes[:, None, None] * away
    return attention(p, bias=bias if p.bias is None else p.bias + bias)


def every_other_key(p: Problem, _: torch.Generator) -> torch.Tensor:
    seen = hiding(p) & ((torch.arange(p.keys) % 2 == 0) | (torch.arange(p.keys) < 2))
    return attention(p, seen=seen)


def stale_values(p: Problem, random: torch.Generator) -> torch.Tensor:
    value = p.value.clone()
    value[:, :, p.keys // 3 : p.keys // 2] = _normal(p, random, *value[:, :, p.keys // 3 : p.keys // 2].shape)
    return attention(p, value=value)


def query_minus_mean(p: Problem, _: torch.Generator) -> torch.Tensor:
    query, key = roped(p)
    return attention(p, query - query.mean(-1, keepdim=True), key)


UNLISTED: tuple[Unlisted, ...] = (
    *(keys_normalised, both_unit, turned_at_random, weights_to_a_power, values_gathered, values_activated),
    *(output_activated, output_added_to_query, only_the_largest, euclidean, scale_of_each_query, heads_mixed),
    *(noise_on_output, noise_on_keys, int8_keys, one_number_wrong, two_rows_exchanged, keys_averaged),
    *(alibi_not_asked, every_other_key, stale_values, query_minus_mean),
)
