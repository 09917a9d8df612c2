"""Which axes of a tensor of scores are its keys, its queries and its heads, read from where its numbers came from."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from attnviz.sources.recording.scores import NOWHERE, Scores, UnnamedError
from attnviz.text.message import Message

LARGEST = 2**31 - 1  # of an int32: behind every place


class Cells(NamedTuple):
    """Of which head, query and key the weight at each place is, int32 in the layout of the softmax; a head is one of all items'."""

    heads: torch.Tensor
    queries: torch.Tensor
    keys: torch.Tensor


class Layout(NamedTuple):
    """How scores lie.

    order    the axes in the order (…, queries, keys)
    lead     the sizes of those before queries and keys: items and heads
    real     which columns are keys: the others are sinks
    swapped  whether the keys are the rows of the product
    """

    order: tuple[int, ...]
    lead: tuple[int, ...]
    queries: int
    keys: int
    real: torch.Tensor | None = None
    swapped: bool = False

    def laid(self, array: torch.Tensor) -> torch.Tensor:
        """``array`` as (…, queries, keys)."""
        return array.permute(self.order)

    def ordered(self, lead: tuple[int, ...]) -> Layout:
        """The same with the axes before queries and keys in another order."""
        order = (*(self.order[axis] for axis in lead), *self.order[len(lead) :])
        return self._replace(order=order, lead=tuple(self.lead[axis] for axis in lead))

    @property
    def heads(self) -> int:
        """How many there are, of all items together."""
        return math.prod(self.lead)

    def flat(self, array: torch.Tensor) -> torch.Tensor:
        """``array`` as (heads of all items, queries, keys), the sinks left out."""
        laid = self.laid(array).reshape(self.heads, self.queries, -1)
        return laid if self.real is None else laid[..., self.real]

    def cells(self, device: torch.device) -> Cells:
        """Of which head, query and key each place is."""
        columns = self.keys if self.real is None else len(self.real)
        shape = (*self.lead, self.queries, columns)
        heads = torch.arange(self.heads, dtype=torch.int32, device=device).reshape(*self.lead, 1, 1)
        queries = torch.arange(self.queries, dtype=torch.int32, device=device)[:, None]
        keys = torch.arange(columns, dtype=torch.int32, device=device)
        if self.real is not None:
            keys = torch.where(self.real, keys.new_tensor(0) + self.real.cumsum(0).int() - 1, NOWHERE)
        back = [self.order.index(axis) for axis in range(len(self.order))]
        return Cells(*(one.expand(shape).permute(back) for one in (heads, queries, keys)))


def plain_layout(shape: torch.Size, dim: int) -> Layout:
    """The layout where nothing is known of the scores: the last axis that is not the keys' is the queries'."""
    keys = dim % len(shape)
    others = [axis for axis in range(len(shape)) if axis != keys]
    queries = others[-1:]
    order = (*others[:-1], *queries, keys)
    return Layout(order, tuple(shape[axis] for axis in others[:-1]), shape[queries[0]] if queries else 1, shape[keys])


def layout(scores: Scores, dim: int) -> Layout:
    """The layout of ``scores`` whose softmax is over ``dim``; ``UnnamedError`` where they are no queries times keys."""
    keys = dim % len(scores.shape)
    rows, columns = scores.places.rows, scores.places.columns
    swapped = varies(rows, keys) and not varies(columns, keys)
    if swapped:
        rows, columns = columns, rows
    if not varies(columns, keys) and scores.shape[keys] > 1:
        raise UnnamedError(Message("the softmax is not over the keys of a product"))
    others = [axis for axis in range(len(scores.shape)) if axis != keys]
    queries = _query_axis(rows, others)
    lead = [axis for axis in others if axis != queries]
    order = (*lead, queries, keys)
    real = columns.permute(order).reshape(-1, scores.shape[keys])[0] != NOWHERE
    sizes = tuple(scores.shape[axis] for axis in lead)
    return Layout(order, sizes, scores.shape[queries], int(real.sum()), None if bool(real.all()) else real, swapped)


def has_no_query_axis(scores: Scores, dim: int) -> bool:
    """Whether each item of ``scores``, (items, keys), has a single query. Of more axes nothing says which are heads, and which are
    queries with keys of their own."""
    keys = dim % len(scores.shape)
    batch, rows, columns = scores.places
    if varies(rows, keys) and not varies(columns, keys):
        rows = columns
    return len(scores.shape) == 2 and varies(batch, 1 - keys) and not varies(rows, 1 - keys)


def _query_axis(rows: torch.Tensor, others: list[int]) -> int:
    if not others:
        raise UnnamedError(Message("the softmax is of a single row of numbers"))
    moving = [axis for axis in others if varies(rows, axis)]
    return moving[-1] if moving else others[-1]


def differs(numbers: torch.Tensor, axis: int) -> bool:
    """Whether ``numbers`` differ along ``axis``."""
    if numbers.shape[axis] < 2 or numbers.stride(axis) == 0:
        return False
    numbers = _once(numbers)
    return bool((numbers != numbers.narrow(axis, 0, 1)).any())


def _once(numbers: torch.Tensor) -> torch.Tensor:
    """``numbers`` with each axis along which they are the same only once."""
    for axis, stride in enumerate(numbers.stride()):
        if stride == 0:
            numbers = numbers.narrow(axis, 0, 1)
    return numbers


def varies(places: torch.Tensor, axis: int) -> bool:
    """Whether the numbers of ``places`` differ along ``axis``; those of no product are like all others."""
    if places.shape[axis] < 2 or places.stride(axis) == 0:
        return False
    places = _once(places)
    there = places != NOWHERE
    lowest = torch.where(there, places, LARGEST).amin(axis)
    return bool((torch.where(there, places, NOWHERE).amax(axis) > lowest).any())
