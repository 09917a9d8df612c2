"""From one wide array to heads and back, and products of heads that share their keys."""

from __future__ import annotations

from typing import Any

from attnviz.attention.arrays import Array, namespace
from attnviz.errors import AttnvizError


def split_heads(array: Array, heads: int) -> Array:
    """(tokens, heads · d) → (heads, tokens, d): each head takes its slice of every row."""
    tokens, width = array.shape
    if heads < 1 or width % heads:
        raise AttnvizError(
            "{width} dimensions do not divide into {heads} heads",
            "take a multiple of {heads}",
            width=width,
            heads=heads,
        )
    xp = namespace(array)
    return xp.permute_dims(xp.reshape(array, (tokens, heads, width // heads)), (1, 0, 2))


def concat_heads(array: Array) -> Array:
    """(heads, tokens, d) → (tokens, heads · d): the outputs of all heads side by side, as the paper's Concat."""
    heads, tokens, width = array.shape
    xp = namespace(array)
    return xp.reshape(xp.permute_dims(array, (1, 0, 2)), (tokens, heads * width))


def grouped_product(xp: Any, left: Array, right: Array) -> Array:
    """left @ right, where each head on the right serves a whole group of heads on the left, without copying it.

    left (…, heads, rows, inner), right (…, kv_heads, inner, columns) → (…, heads, rows, columns); or both without heads.
    """
    if left.ndim == 2 or left.shape[-3] == right.shape[-3]:
        return left @ right
    *batch, heads, rows, inner = left.shape
    groups = right.shape[-3]
    left = xp.reshape(left, (*batch, groups, heads // groups * rows, inner))  # the heads of a group below each other
    return xp.reshape(left @ right, (*batch, heads, rows, right.shape[-1]))
