"""Heads, scales, rotations, softmaxes and tiles of public issues, their code rebuilt from the reports in plain torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (as everybody writes it)
from replaying import Replay, drawn, replay

TOKENS, HEADS, WIDTH = 6, 4, 8


def split(x: torch.Tensor) -> torch.Tensor:
    """(batch, tokens, heads · d) → (batch, heads, tokens, d)"""
    return x.view(*x.shape[:2], HEADS, -1).transpose(1, 2)


@replay("karpathy/ng-video-lecture#6", "scale-value")
def scaled_by_the_models_width() -> Replay:
    """C is the number of channels of the input, and not of a head."""
    query, key, value = (drawn(2, HEADS, TOKENS, WIDTH) for _ in range(3))
    channels = HEADS * WIDTH
    visible = torch.tril(torch.ones(TOKENS, TOKENS))
    wei = query @ key.transpose(-2, -1) * channels**-0.5
    wei = F.softmax(wei.masked_fill(visible == 0, float("-inf")), dim=-1)
    return Replay(query, key, value, wei @ value, causal=True)


@replay("huggingface/transformers#38290", "scale-value")
def scaled_twice() -> Replay:
    """The queries are scaled after their projection, and sdpa scales by itself."""
    query, key, value = (drawn(2, HEADS, TOKENS, WIDTH) for _ in range(3))
    output = F.scaled_dot_product_attention(query * WIDTH**-0.5, key, value)
    return Replay(query, key, value, output)


@replay("mlc-ai/mlc-llm#3426", "scale-missing")
def a_fallback_with_a_scale_of_1() -> Replay:
    """The fallback calls the kernel with its usual sm_scale of 1."""

    def sequence_prefill(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, sm_scale: float = 1.0) -> torch.Tensor:
        return (q @ k.mT * sm_scale).softmax(-1) @ v

    query, key, value = (drawn(2, HEADS, TOKENS, WIDTH) for _ in range(3))
    return Replay(query, key, value, sequence_prefill(query, key, value))


@replay("FrancescoSaverioZuppichini/ViT#2", "scale-after-softmax")
def the_weights_are_scaled() -> Replay:
    """softmax(energy) / scaling"""
    query, key, value = (drawn(2, HEADS, TOKENS, WIDTH) for _ in range(3))
    energy = torch.einsum("bhqd, bhkd -> bhqk", query, key)
    att = F.softmax(energy, dim=-1) / WIDTH**0.5
    return Replay(query, key, value, torch.einsum("bhal, bhlv -> bhav", att, value))


@replay("onnx/onnx#7274", "groups-tiled")
def tile_in_place_of_repeat() -> Replay:
    """Tile gives heads 0 1 0 1, where torch's repeat_interleave gives 0 0 1 1."""
    query, key, value = drawn(2, 4, TOKENS, WIDTH), drawn(2, 2, TOKENS, WIDTH), drawn(2, 2, TOKENS, WIDTH)
    keys, values = (x.tile(1, 2, 1, 1) for x in (key, value))
    return Replay(query, key, value, F.scaled_dot_product_attention(query, keys, values))


@replay("PSAL-POSTECH/ONNXim#33", "groups-divided-wrong")
def divided_by_the_number_of_key_heads() -> Replay:
    """kv_head_idx = head_idx / _nkvh: of 8 heads on 4, the last two heads of key and value are never read."""
    query, key, value = drawn(8, TOKENS, WIDTH), drawn(4, TOKENS, WIDTH), drawn(4, TOKENS, WIDTH)
    read = [head // 4 for head in range(8)]
    return Replay(query, key, value, F.scaled_dot_product_attention(query, key[read], value[read]))


@replay("reczoo/FuxiCTR#30", "heads-not-transposed-in")
def heads_by_a_view() -> Replay:
    """(batch, tokens, heads · d) is viewed as (batch · heads, tokens, d)."""
    query, key, value = (drawn(3, TOKENS, HEADS * WIDTH) for _ in range(3))
    q, k, v = (x.view(3 * HEADS, -1, WIDTH) for x in (query, key, value))
    output = (torch.softmax(torch.bmm(q, k.transpose(1, 2)) / WIDTH**0.5, dim=-1) @ v).view(3, -1, HEADS * WIDTH)
    return Replay(split(query), split(key), split(value), split(output))


@replay("jsbaan/transformer-from-scratch#6", "heads-not-transposed-out")
def heads_joined_without_a_permute() -> Replay:
    """(batch, heads, tokens, d) is reshaped to (batch, tokens, heads · d) as it lies in memory."""
    query, key, value = (drawn(2, HEADS, TOKENS, WIDTH) for _ in range(3))
    values = F.scaled_dot_product_attention(query, key, value).reshape(2, TOKENS, HEADS * WIDTH)
    return Replay(query, key, value, split(values))


@replay("labmlai/annotated_deep_learning_paper_implementations#146", "softmax-over-queries")
def softmax_over_the_first_letter() -> Replay:
    """Scores are (batch, i, j, heads), and softmax runs over dim=1."""
    q, k, v = (drawn(2, TOKENS, HEADS, WIDTH) for _ in range(3))
    attn = (torch.einsum("bihd,bjhd->bijh", q, k) * WIDTH**-0.5).softmax(dim=1)
    res = torch.einsum("bijh,bjhd->bihd", attn, v)
    return Replay(*(x.transpose(1, 2) for x in (q, k, v, res)))


def turned(x: torch.Tensor, positions: torch.Tensor, neox: bool, theta: float = 10000.0) -> torch.Tensor:
    """RoPE of (…, tokens, d): halves (neox) or neighbours."""
    half = x.shape[-1] // 2
    angles = positions[:, None] * theta ** (-torch.arange(half) / half)
    first, second = (x[..., :half], x[..., half:]) if neox else (x[..., 0::2], x[..., 1::2])
    both = first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()
    return torch.cat(both, -1) if neox else torch.stack(both, -1).flatten(-2)


@replay("vllm-project/vllm-ascend#12765", "rope-interleaved")
def halves_for_a_model_of_neighbours() -> Replay:
    """rotary_mode="half" whatever is_neox_style says."""
    query, key, value = (drawn(HEADS, TOKENS, WIDTH) for _ in range(3))
    places = torch.arange(TOKENS)
    output = F.scaled_dot_product_attention(turned(query, places, True), turned(key, places, True), value)
    return Replay(query, key, value, output, rope_theta=10000.0, rope_interleaved=True)


@replay("RobertCsordas/moeut#6", "rope-offset")
def cached_queries_turn_from_0() -> Replay:
    """The offset is counted before the cached keys are put in front: a new query turns as if it were the first."""
    query, key, value = drawn(HEADS, 2, WIDTH), drawn(HEADS, TOKENS, WIDTH), drawn(HEADS, TOKENS, WIDTH)
    offset = query.shape[1] - 2
    q = turned(query, torch.arange(2) + offset, True)
    output = F.scaled_dot_product_attention(q, turned(key, torch.arange(TOKENS), True), value)
    return Replay(query, key, value, output, rope_theta=10000.0, query_offset=TOKENS - 2)


@replay("kvcache-ai/sglang#31", "rope-missing")
def keys_that_are_turned_in_the_cache_alone() -> Replay:
    """The kernel writes turned keys to the cache, and attention goes on with those of before."""
    query, key, value = (drawn(HEADS, TOKENS, WIDTH) for _ in range(3))
    places = torch.arange(TOKENS)
    output = F.scaled_dot_product_attention(turned(query, places, True), key, value)
    return Replay(query, key, value, output, rope_theta=10000.0)


@replay("tenstorrent/tt-mlir#8958", "key-value-swapped")
def values_turned_and_stored_as_keys() -> Replay:
    """The fused operation hands key and value out in the other order: Q · rope(V), and what is read comes from K."""
    query, key, value = drawn(HEADS, 1, WIDTH), drawn(HEADS, TOKENS, WIDTH), drawn(HEADS, TOKENS, WIDTH)
    q = turned(query, torch.arange(1) + TOKENS - 1, True)
    output = F.scaled_dot_product_attention(q, turned(value, torch.arange(TOKENS), True), key)
    return Replay(query, key, value, output, rope_theta=10000.0, query_offset=TOKENS - 1)


@replay("NVIDIA/DeepLearningExamples#169", "overflow")
def softmax_without_its_maximum() -> Replay:
    """exp(score) in half precision, and nothing subtracted before: from a score of 11.1 on it is infinite."""
    query, key, value = (drawn(HEADS, TOKENS, WIDTH).half() * 4 for _ in range(3))
    exponentials = torch.exp(query @ key.mT / WIDTH**0.5)
    output = exponentials / exponentials.sum(-1, keepdim=True) @ value
    return Replay(query, key, value, output)


@replay("flashinfer-ai/flashinfer#5090", "tile-padding-counted")
def zeros_that_fill_the_last_tile() -> Replay:
    """70 keys in tiles of 64: what lies behind them is zero, scores 0, and has a weight."""
    query, key, value = drawn(2, 5, WIDTH), drawn(2, 70, WIDTH), drawn(2, 70, WIDTH)
    keys, values = (F.pad(x, (0, 0, 0, 128 - 70)) for x in (key, value))
    return Replay(query, key, value, F.scaled_dot_product_attention(query, keys, values))


@replay("Dao-AILab/flash-attention#991", "tile-rescaled-inversely")
def the_papers_own_line_10() -> Replay:
    """diag(e^(m_old − m_new))⁻¹ O, as Algorithm 1 has it: the output so far is rescaled the wrong way."""
    query, key, value = (drawn(2, 48, WIDTH) for _ in range(3))
    output, total = torch.zeros(2, 48, WIDTH), torch.zeros(2, 48, 1)
    maximum = torch.full((2, 48, 1), float("-inf"))
    for k, v in zip(key.split(16, 1), value.split(16, 1), strict=True):
        scores = query @ k.mT / WIDTH**0.5
        larger = torch.maximum(maximum, scores.amax(-1, keepdim=True))
        exponentials = torch.exp(scores - larger)
        total = torch.exp(maximum - larger) * total + exponentials.sum(-1, keepdim=True)
        output = torch.exp(maximum - larger).reciprocal().nan_to_num(posinf=0.0) * output + exponentials @ v
        maximum = larger
    return Replay(query, key, value, output / total)


@replay("pytorch/pytorch#124464", "dropout")
def dropout_outside_of_training() -> Replay:
    """sdpa drops weights whenever dropout_p is above 0: eval() does not reach it."""
    query, key, value = (drawn(2, HEADS, 32, 64) for _ in range(3))
    return Replay(query, key, value, F.scaled_dot_product_attention(query, key, value, dropout_p=0.1))
