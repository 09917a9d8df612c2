"""Arrays of queries × keys that depend only on the distance of the two, held as what they are: one number per distance."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy


def spread(by_distance: numpy.ndarray, queries: int) -> numpy.ndarray:
    """(…, queries + keys − 1), from the farthest key behind to the farthest ahead → (…, queries, keys).

    A read-only view: each row is the row above moved by one, so that no number is held twice.
    """
    from numpy.lib.stride_tricks import sliding_window_view

    keys = by_distance.shape[-1] - queries + 1
    return sliding_window_view(by_distance, keys, axis=-1)[..., ::-1, :]  # (…, queries, keys)


def is_spread(array: Any) -> TypeGuard[numpy.ndarray]:
    """Whether ``spread`` made ``array``, or what it is a part of."""
    return isinstance(array, numpy.ndarray) and array.ndim > 1 and array.strides[-2] == -array.strides[-1] != 0


def gathered(array: numpy.ndarray) -> numpy.ndarray:
    """What ``spread`` made ``array`` of, as a copy: (…, queries, keys) → (…, queries + keys − 1)."""
    return numpy.concatenate([array[..., :0:-1, 0], array[..., 0, :]], axis=-1)


def of_heads(array: Any, heads: slice | list[int]) -> Any:
    """(heads, queries, keys) → those of some heads; what all heads share stays, and what ``spread`` made is made again."""
    if array is None or array.ndim < 3 or array.shape[0] == 1:
        return array
    if isinstance(heads, list) and is_spread(array):  # whose cells are views, and would each be copied
        return spread(gathered(array)[heads], array.shape[-2])
    return array[heads]
