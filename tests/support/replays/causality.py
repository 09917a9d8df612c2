"""Causal masks and windows of public issues, their code rebuilt from the reports in plain torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (as everybody writes it)
from replaying import Replay, drawn, replay


@replay("pytorch/pytorch#108108", "causal-top-left")
def new_tokens_behind_a_cache() -> Replay:
    """Several new tokens at once, behind a cache: torch's is_causal begins at the first key."""
    query, key, value = drawn(2, 4, 3, 8), drawn(2, 4, 9, 8), drawn(2, 4, 9, 8)
    output = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    return Replay(query, key, value, output, causal=True, query_offset=6)


@replay("pytorch/pytorch#144858", "causal-top-left")
def one_token_behind_a_cache() -> Replay:
    """Token by token: the one query is compared with the earliest key and value alone."""
    query, key, value = drawn(1, 4, 1, 8), drawn(1, 4, 6, 8), drawn(1, 4, 6, 8)
    output = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    return Replay(query, key, value, output, causal=True, query_offset=5)


@replay("Dao-AILab/flash-attention#951", "causal-bottom-right")
def a_target_aligned_with_the_end_of_its_source() -> Replay:
    """Version 2.1 aligns the last query with the last key, where the first was meant to stand at the first."""
    query, key, value = drawn(2, 3, 4, 8), drawn(2, 3, 7, 8), drawn(2, 3, 7, 8)
    visible = torch.ones(4, 7, dtype=torch.bool).tril(diagonal=7 - 4)
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=visible)
    return Replay(query, key, value, output, causal=True, query_offset=0)


@replay("keras-team/keras#23038", "causal-missing")
def the_mask_is_dropped_where_the_fused_path_is_not_taken() -> Replay:
    """use_causal_mask counts on the kernel's is_causal, and the path that returns the scores has no mask."""
    query, key, value = drawn(2, 6, 3, 8), drawn(2, 6, 3, 8), drawn(2, 6, 3, 8)  # (batch, tokens, heads, d)
    scores = torch.einsum("btnh,bsnh->bnts", query * 8**-0.5, key)
    weights = scores.softmax(dim=-1)
    output = torch.einsum("bnts,bsnh->btnh", weights, value)
    return Replay(*(x.transpose(1, 2) for x in (query, key, value, output)), causal=True)


@replay("huggingface/transformers#48172", "causal-extra")
def a_module_that_does_not_say_that_it_is_not_causal() -> Replay:
    """Cross-attention without a mask: is_causal is looked up with True as what is usual."""

    class CrossAttention:
        pass

    query, key, value = drawn(1, 4, 5, 8), drawn(1, 4, 7, 8), drawn(1, 4, 7, 8)
    is_causal = getattr(CrossAttention(), "is_causal", True)
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=None, is_causal=is_causal)
    return Replay(query, key, value, output)


@replay("pbloem/former#10", "causal-hides-self")
def the_diagonal_is_hidden_too() -> Replay:
    """triu_indices with offset 0 hides the diagonal, and leaves the first row without a key: NaN."""
    query, key, value = drawn(2, 6, 8), drawn(2, 6, 8), drawn(2, 6, 8)
    dot = torch.bmm(query, key.transpose(1, 2)) / 8**0.5
    rows, columns = torch.triu_indices(6, 6, offset=0)
    dot[:, rows, columns] = float("-inf")
    return Replay(query, key, value, torch.bmm(F.softmax(dot, dim=2), value), causal=True)


@replay("huggingface/transformers#39408", "window-off-by-one")
def a_kernels_window_includes_both_ends() -> Replay:
    """window_size=(sliding_window, sliding_window): the kernel sees so many keys before the query, and the query's own."""
    sliding_window = 3
    query, key, value = drawn(1, 4, 9, 8), drawn(1, 4, 9, 8), drawn(1, 4, 9, 8)
    distance = torch.arange(9)[:, None] - torch.arange(9)
    visible = (distance >= 0) & (distance <= sliding_window)
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=visible)
    return Replay(query, key, value, output, causal=True, window=sliding_window)


@replay("unslothai/unsloth#8253", "window-missing")
def the_window_never_reaches_the_path_that_runs() -> Replay:
    """Without flash attention and without a mask, all that is left is is_causal."""
    query, key, value = drawn(1, 4, 9, 8), drawn(1, 4, 9, 8), drawn(1, 4, 9, 8)
    output = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    return Replay(query, key, value, output, causal=True, window=4)
