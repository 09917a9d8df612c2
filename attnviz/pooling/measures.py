"""What every engine of the pooled map returns."""

from __future__ import annotations

from typing import NamedTuple

from attnviz.arrays import Array


class Measures(NamedTuple):
    """The arrays of a ``Pooled``, in its order; see there for their meaning."""

    mean: Array  # (heads, query_cells, key_cells)
    maximum: Array  # (heads, query_cells, key_cells)
    visible: Array | None  # (heads, query_cells, key_cells), only where a mask or a bias hides cells
    entropy: Array  # (heads, queries)
    largest: Array  # (heads, queries)
    largest_key: Array  # (heads, queries)
    first_key: Array  # (heads, queries)
