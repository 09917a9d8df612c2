"""W_O, found while a module runs: the first linear map that the outputs of all heads, side by side, go into.

The outputs are recognised by their numbers, whichever views and copies they pass on the way (reshape, transpose, contiguous,
dropout that is off), and by no name of a module. What an attention's outputs are multiplied with is taken for W_O only if
concat · W_O + b is what the map itself gave, and if no other linear map reads the same outputs (a gate, an adapter) before the
next attention runs.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from attnviz.sources.recording.agreement import TOLERANCES, dtype_name
from attnviz.trace.projection import Projection

SAMPLE = 4  # queries whose outputs are multiplied again, and compared
COLUMNS = 64  # numbers of each of these: to read all of W_O takes longer than all else that is looked at
UNDER_WAY = 2  # attentions whose outputs may still come to a linear map: one follows the other


class LinearMap(NamedTuple):
    """One linear map that ran: ``made`` is ``given`` · ``weight`` + ``bias``.

    given   (…, d_in)
    weight  (d_in, d_out): the transpose of torch.nn.Linear.weight
    bias    (d_out,) or None
    made    (…, d_out)
    """

    given: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor | None
    made: torch.Tensor


class Outgoing(NamedTuple):
    """The outputs of an attention, on their way.

    place    whose they are
    outputs  (…, heads, d_v), the rest in the order in which a linear map reads it; None once one has: the model lets go of them
             then, and where their memory stays taken, what follows lies elsewhere and is met by page faults
    rows     some of them, when they are flat, the last among them
    sample   these, (rows, heads · d_v), as attention left them: a model may change its outputs where they lie
    first    the first number of these
    """

    place: Hashable
    outputs: torch.Tensor | None
    rows: slice
    sample: torch.Tensor
    first: float

    def fits(self, given: torch.Tensor) -> bool:
        """Whether ``given`` has as many numbers."""
        width = self.sample.shape[-1]
        return given.shape[-1:] == (width,) and given.numel() == self.rows.stop * width

    def is_in(self, given: torch.Tensor, first: float) -> bool:
        """Whether ``given``, (…, d_in), which fits, and whose ``first`` number is told, is these outputs, side by side."""
        width = self.sample.shape[-1]
        if given.dtype == self.sample.dtype and first != self.first:  # most are told apart here
            return False
        given = given.detach().reshape(-1, width)
        if not torch.equal(given[self.rows], self.sample.to(given)):
            return False
        if self.outputs is None:
            return True
        outputs = self.outputs.reshape(-1, width)
        return _is_same_view(given, outputs) or torch.equal(given, outputs.to(given))


@dataclass
class OutputProjections:
    """Where the outputs of attentions go while a module runs.

    found    W_O by the place of its attention. Its arrays are the module's own, not copied.
    settled  whether the module has run: what was not found then is looked for no more
    """

    found: dict[Hashable, Projection] = field(default_factory=dict)
    settled: bool = False
    _under_way: deque[Outgoing] = field(default_factory=lambda: deque(maxlen=UNDER_WAY))
    _met: set[Hashable] = field(default_factory=set)  # attentions whose outputs some linear map has read
    _other: Callable[[], Any] = lambda: (
        None
    )  # a reference to what a linear map was given, and is none of them: mostly the next reads it, too

    def leave(self, place: Hashable, outputs: torch.Tensor) -> None:
        """The attention at ``place`` has computed ``outputs``, (…, heads, d_v); what linear maps are given is looked at next."""
        if self.settled or place in self._met:
            return  # in an earlier pass
        waiting = [one for one in self._under_way if one.place not in self._met]
        self._under_way = deque(waiting, maxlen=UNDER_WAY)  # the others only take memory, and time to look for
        outputs = outputs.detach()
        flat = outputs.reshape(-1, outputs.shape[-2] * outputs.shape[-1])
        step = max(1, (len(flat) - 1) // (SAMPLE - 1))
        rows = slice((len(flat) - 1) % step, len(flat), step)
        self._under_way.append(Outgoing(place, outputs, rows, flat[rows].clone(), flat[0, 0].item()))
        self._other = _none

    def awaits(self, given: torch.Tensor) -> bool:
        """Whether ``given``, which a linear map reads, is the outputs of an attention."""
        if self._other() is given:
            return False
        awaited = self._place_of(given) is not None
        self._other = _none if awaited else weakref.ref(given)
        return awaited

    def pass_through(self, linear: LinearMap) -> bool:
        """A linear map has run: whether the outputs of an attention went into it."""
        number = self._place_of(linear.given)
        if number is None:
            return False
        outgoing = self._under_way[number]
        self._meet(outgoing, linear)
        self._under_way[number] = outgoing._replace(outputs=None)
        return True

    def _place_of(self, given: torch.Tensor) -> int | None:
        """Which of the outputs that are under way, the last first, is ``given`` to a linear map."""
        fitting = [number for number, outgoing in enumerate(self._under_way) if outgoing.fits(given)]
        if not fitting:
            return None
        first = _first(given)
        return next((number for number in reversed(fitting) if self._under_way[number].is_in(given, first)), None)

    def _meet(self, outgoing: Outgoing, linear: LinearMap) -> None:
        if outgoing.place in self._met:
            self.found.pop(outgoing.place, None)  # of two maps neither is the projection
        elif _is_what_it_says(linear, outgoing):
            bias = None if linear.bias is None else linear.bias.detach()
            self.found[outgoing.place] = Projection(linear.weight.detach(), bias)
        self._met.add(outgoing.place)

    def end(self) -> None:
        """The module has ended: nothing is under way."""
        self._under_way.clear()


def _none() -> None:
    """No reference."""


def _first(array: torch.Tensor) -> float:
    return float(array[(0,) * array.ndim].item())


def _is_same_view(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.data_ptr() == other.data_ptr() and one.stride() == other.stride() and one.dtype == other.dtype


def _is_what_it_says(linear: LinearMap, outgoing: Outgoing) -> bool:
    """Whether some rows, multiplied again, are what ``linear`` gave: a map of packed or adapted weights does something else."""
    given, weight, bias, made = linear
    known = {dtype_name(array) for array in (weight, made)} <= TOLERANCES.keys()
    if weight.is_meta or not known or weight.shape != (given.shape[-1], made.shape[-1]):
        return False
    some = slice(None, None, max(1, made.shape[-1] // COLUMNS))
    again = outgoing.sample.to(weight) @ weight.detach()[:, some]
    again = again if bias is None else again + bias.detach()[some]
    theirs = made.detach().reshape(-1, made.shape[-1])[outgoing.rows, some].to(again)
    error = float((again - theirs).abs().max())
    return error <= TOLERANCES[dtype_name(made)] * max(float(theirs.abs().max()), torch.finfo(again.dtype).tiny)
