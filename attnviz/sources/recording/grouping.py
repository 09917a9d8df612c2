"""Which heads belong to which item, where a module has them in one axis: read from the linear map that their outputs go into.

Most code puts the items first in that axis; some the heads (``torch.cat(query.split(d_k, -1), 0)``, as in many of the first
Transformers for PyTorch). No shape tells these apart, the numbers that are put side by side do.
"""

from __future__ import annotations

from typing import NamedTuple

import torch


class Grouping(NamedTuple):
    """How many heads an item has, and whether the axis counts heads before items."""

    heads: int
    heads_first: bool = False

    def of(self, array: torch.Tensor) -> torch.Tensor:
        """``array``, whose first two axes are items and heads as they were taken, with those that are meant."""
        own = array.shape[2:]
        if self.heads_first:
            return array.reshape(self.heads, -1, *own).transpose(0, 1)
        return array.reshape(-1, self.heads, *own)


def grouping(output: torch.Tensor, given: torch.Tensor) -> Grouping | None:
    """How ``output``, (items, heads, queries, d_v) as they were taken, lies in what a linear map is ``given``, (…, d_in): each row
    holds all heads of an item, side by side. None where it does not."""
    d_v = output.shape[-1]
    count = output.shape[0] * output.shape[1]
    heads = given.shape[-1] // d_v if d_v else 0
    if heads < 2 or given.numel() != output.numel() or count % heads or given.shape[-1] % d_v:
        return None
    flat = given.detach().flatten()
    for found in (Grouping(heads), Grouping(heads, heads_first=True)):
        concat = found.of(output).transpose(1, 2)  # (items, queries, heads, d_v)
        if any(torch.equal(one.flatten().to(flat), flat) for one in (concat, concat.transpose(0, 1))):
            return found
    return None
