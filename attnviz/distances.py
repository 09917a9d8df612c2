"""Arrays of queries × keys that depend on the distance of the two alone, held as what they are: a number a distance."""

from __future__ import annotations

from typing import Any

import numpy


def spread(by_distance: numpy.ndarray, queries: int) -> numpy.ndarray:
    """(heads, queries + keys − 1), from the farthest key behind to the farthest ahead → (heads, queries, keys).

    A read-only view: each row is the row above moved by one, so that no number is held twice.
    """
    from numpy.lib.stride_tricks import sliding_window_view

    keys = by_distance.shape[-1] - queries + 1
    return sliding_window_view(by_distance, keys, axis=-1)[:, ::-1]  # (heads, queries, keys)


def gathered(array: Any) -> numpy.ndarray | None:
    """What ``spread`` made ``array`` of, as a copy; None where it is anything else."""
    if not isinstance(array, numpy.ndarray) or array.ndim != 3 or array.strides[1] != -array.strides[2]:
        return None
    return numpy.concatenate([array[:, :0:-1, 0], array[:, 0]], axis=1)  # (heads, queries + keys − 1)
