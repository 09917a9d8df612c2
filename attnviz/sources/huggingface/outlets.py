"""The linear maps that the outputs of a network's attention go into, remembered from one pass to the next.

To find W_O, each linear map of a pass is asked whether it reads the outputs of an attention; that takes a thirtieth of the pass, and
says the same as long as the network has the same modules with the same weights. So the second pass asks only those that were found.
Where one of them does not get what it got then, the network has changed in a way that cannot be seen: all is looked for again.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from attnviz.sources.huggingface.linear_maps import linear_maps
from attnviz.sources.recording.output_projection import LinearMap, OutputProjections
from attnviz.trace.projection import Projection


class Outlet(NamedTuple):
    """The linear map behind an attention.

    module      a reference to it
    projection  W_O, which it is
    numbers     where its numbers lie, and how often they were written to
    """

    module: weakref.ref[torch.nn.Module]
    projection: Projection
    numbers: tuple[Any, ...]


class Outlets(NamedTuple):
    """What is known of a network: all of its linear maps, and which of them stands behind the attention at each place."""

    maps: list[weakref.ref[torch.nn.Module]]
    known: dict[Hashable, Outlet]


_of_networks: weakref.WeakKeyDictionary[torch.nn.Module, Outlets] = weakref.WeakKeyDictionary()


class KnownProjections(OutputProjections):
    """W_O of a pass through a network whose ``outlets`` are known.

    unmet  whether an attention ran whose outlet is not, or outputs did not go where they went before
    """

    def __init__(self, outlets: Mapping[Hashable, Outlet]) -> None:
        super().__init__()
        self._outlets = outlets
        self._last: tuple[Hashable, torch.Tensor, float] | None = None
        self.unmet = False

    @property
    def maps(self) -> list[torch.nn.Module]:
        """The linear maps that must be asked."""
        return [module for one in self._outlets.values() if (module := one.module()) is not None]

    def leave(self, place: Hashable, outputs: torch.Tensor) -> None:
        """The attention at ``place`` has computed ``outputs``, (…, heads, d_v)."""
        self.end()
        if place in self._outlets:
            self._last = place, outputs.detach(), _first(outputs)
        else:
            self.unmet = True

    def awaits(self, given: torch.Tensor) -> bool:
        """Whether the outputs that were left last are ``given`` to a linear map."""
        if self._last is None:
            return False
        _, outputs, first = self._last
        if given.numel() != outputs.numel() or _first(given) != first:
            return False
        return given.data_ptr() == outputs.data_ptr() or torch.equal(given.flatten(), outputs.flatten())

    def pass_through(self, linear: LinearMap) -> bool:
        """A linear map has read them: whether it is the one that did before."""
        assert self._last is not None
        place = self._last[0]
        outlet = self._outlets[place]
        if linear.module is not outlet.module():
            return False
        self.found[place], self._last = outlet.projection, None
        return True

    def end(self) -> None:
        """Nothing is under way: what was left last must have been read."""
        self.unmet |= self._last is not None
        self._last = None


def known_projections(network: torch.nn.Module, places: frozenset[Hashable]) -> KnownProjections | None:
    """What ``network`` does with the outputs of the attentions at ``places``; None where that must be found, or found again."""
    outlets = _of_networks.get(network)
    if outlets is None or not places or not places <= outlets.known.keys():
        return None
    asked = {place: outlets.known[place] for place in places}
    if any((module := one.module()) is None or _numbers(module) != one.numbers for one in asked.values()):
        return None
    return KnownProjections(asked) if _are_these(outlets.maps, linear_maps(network)) else None


def remember(network: torch.nn.Module, projections: OutputProjections, places: frozenset[Hashable]) -> None:
    """Keep where a pass through ``network`` led the outputs of the attentions at ``places``, if that is known of each: the others would
    never be looked for again."""
    found, modules = projections.found, projections.modules
    if isinstance(projections, KnownProjections) or not places or not places <= modules.keys():
        return
    numbers = {place: _numbers(modules[place]) for place in places}
    known = {
        place: Outlet(weakref.ref(modules[place]), found[place], own)
        for place, own in numbers.items()
        if own is not None
    }
    if known.keys() == places:
        _of_networks[network] = Outlets([weakref.ref(one) for one in linear_maps(network)], known)


def forget(network: torch.nn.Module) -> None:
    """Nothing is known of ``network`` any longer."""
    _of_networks.pop(network, None)


def _are_these(maps: Sequence[weakref.ref[torch.nn.Module]], modules: Sequence[torch.nn.Module]) -> bool:
    return len(maps) == len(modules) and all(one() is module for one, module in zip(maps, modules, strict=True))


def _numbers(module: Any) -> tuple[Any, ...] | None:
    """Where the numbers of a linear map lie, and how often they were written to; None where nobody counts that."""
    arrays = [array for array in (module.weight, module.bias) if array is not None]
    if any(type(array) not in (torch.Tensor, torch.nn.Parameter) or array.is_inference() for array in arrays):
        return None
    return tuple((array.data_ptr(), array._version) for array in arrays)


def _first(array: torch.Tensor) -> float:
    return float(array[(0,) * array.ndim].item())
