"""What every engine of the pooled map returns."""

from __future__ import annotations

from typing import NamedTuple

from attnviz.arrays import Array


class Measures(NamedTuple):
    """What ``Pooled`` is made of; see there for the meaning. The entropy is still without the sink's share."""

    mean: Array  # (heads, query_cells, key_cells)
    maximum: Array  # (heads, query_cells, key_cells)
    visible: Array | None  # (heads, query_cells, key_cells), only where a mask or a bias hides cells
    entropy: Array  # (heads, queries)
    largest: Array  # (heads, queries)
    largest_key: Array  # (heads, queries)
    first_key: Array  # (heads, queries)
    normaliser: Array  # (heads, queries): log Σ exp of the scores, and of the sink if there is one
