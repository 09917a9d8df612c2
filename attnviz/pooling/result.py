"""What every engine of the pooled map returns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from attnviz.attention.arrays import Array, namespace
from attnviz.attention.rule import Rule
from attnviz.pooling.tiles import visible_share


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


@dataclass(frozen=True, eq=False)
class Pooled:
    """The weights of one or more heads, pooled into cells, and measures of every row of them.

    mean          (heads, query_cells, key_cells): the mean weight of a cell over all of its query-key pairs, hidden
                  ones counting as the 0 that they weigh. So a row of cells keeps its mass: the sum of mean × keys of
                  the cell is 1 (less what sinks take), and a causal map's diagonal is as dark as its mass says. The
                  mean over only the visible pairs is mean / visible.
    maximum       (heads, query_cells, key_cells): the largest weight of a cell, which keeps visible a needle that the
                  mean drowns
    visible       (heads, query_cells, key_cells): the share of a cell's pairs that are not hidden, as Steps.hidden says
                  it; 0 where all are (and so are mean and maximum, unless a bias lowers a whole row)
    entropy       (heads, queries), in bits: −Σ weight · log₂ weight; what sinks take counts as one more key
    largest       (heads, queries): the largest weight of each query
    largest_key   (heads, queries), int: the key that has it; 0 for a query that sees nothing (largest is 0)
    first_key     (heads, queries): the weight of key 0, where "attention sinks" gather (Xiao et al. 2023, 2309.17453)
    sink          (heads, queries): what the rule's sinks take of a row; 0 without
    heads         which heads these are
    query_edges   cell i covers the queries query_edges[i] … query_edges[i + 1] − 1; key_edges the same for keys
    """

    mean: Array
    maximum: Array
    counted: Array | None  # the visible share where only counting can tell: a mask or a bias hides cells
    entropy: Array
    largest: Array
    largest_key: Array
    first_key: Array
    sink: Array
    heads: tuple[int, ...]
    query_edges: tuple[int, ...]
    key_edges: tuple[int, ...]
    rule: Rule  # of these queries

    @cached_property
    def visible(self) -> Array:
        """The share of each cell's pairs of query and key that may be seen, 0 to 1: (heads, query_cells, key_cells).

        Counted where a mask or a bias hides pairs; else it follows from causal and window.
        """
        if self.counted is not None:
            return self.counted
        xp = namespace(self.mean)
        start = self.query_edges[0]  # of the rule's own queries, which begin there
        rows = xp.asarray([edge - start for edge in self.query_edges], device=self.mean.device)
        columns = xp.asarray(self.key_edges, device=self.mean.device)
        return xp.broadcast_to(visible_share(xp, self.rule, rows, columns, self.mean.dtype), self.mean.shape)

    @property
    def cell(self) -> tuple[int, int]:
        """How many queries × keys a cell covers (the last of a row or column may cover fewer)."""
        return self.query_edges[1] - self.query_edges[0], self.key_edges[1] - self.key_edges[0]
