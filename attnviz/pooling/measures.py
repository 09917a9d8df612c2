"""What every engine of the pooled map returns."""

from __future__ import annotations

from typing import NamedTuple

from attnviz.attention.arrays import Array, namespace


class Measures(NamedTuple):
    """What ``Pooled`` is made of; see there for the meaning. The entropy is still without the sink's share."""

    mean: Array  # (heads, query_cells, key_cells)
    maximum: Array  # (heads, query_cells, key_cells)
    visible: Array | None  # (heads, query_cells, key_cells), only where a mask or a bias hides cells
    entropy: Array  # (heads, queries)
    largest: Array  # (heads, queries)
    largest_key: Array  # (heads, queries)
    first_key: Array  # (heads, queries)
    top: Array  # (heads, queries): the number that the exponentials are relative to: weight = exp(score − top) / whole
    whole: Array  # (heads, queries): Σ exp(score − top), and the sink's if there is one

    @property
    def normaliser(self) -> Array:
        """log Σ exp of the scores, as exact as one number can say it: none of the measures is computed from it."""
        return self.top + namespace(self.whole).log(self.whole)
