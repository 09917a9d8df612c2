"""What was done to a tensor since it was a product, or a softmax: calls of torch's functions, kept until somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import torch

from attnviz.text.message import Message


class Itself:
    """Stands for the tensor that a call is followed for, so that no step of its way is held."""


ITSELF = Itself()
Root = TypeVar("Root")


class Call(NamedTuple):
    """One call of a function of torch.

    args, kwargs  as it was called, with ``ITSELF`` for the tensor that is followed
    pick          which of several results goes on
    labels        where the numbers of the other tensors come from (known.py)
    """

    name: str
    func: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    pick: int | None = None
    labels: frozenset[int] = frozenset()

    def on(self, array: torch.Tensor) -> torch.Tensor:
        """What the call makes of ``array`` in place of the tensor that is followed."""
        func = self.func
        if self.name in ("view", "view_as"):  # what follows a tensor may lie otherwise in memory
            func = getattr(torch.Tensor, self.name.replace("view", "reshape"))
        if self.name.endswith("_") and not self.name.endswith("__"):  # in place, which would change what others hold
            func = getattr(torch.Tensor, self.name[:-1])
        result = func(*(_filled(one, array) for one in self.args), **self.kwargs)
        picked: torch.Tensor = result if self.pick is None else result[self.pick]
        return picked

    @property
    def position(self) -> int:
        """Which argument is the tensor that is followed."""
        return next((place for place, one in enumerate(self.args) if one is ITSELF), -1)

    def other(self, *names: str) -> Any:
        """The other one of two arguments, which may be given by one of these ``names``."""
        others = [one for one in self.args[:2] if one is not ITSELF]
        return others[0] if others else next(self.kwargs[name] for name in names if name in self.kwargs)

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        """The argument at a place, or of a name."""
        return self.kwargs.get(name, self.args[place] if len(self.args) > place else default)


@dataclass(frozen=True, eq=False)
class Chain:
    """A tensor that is followed: what it began as, and what was done to it since.

    spoiled  why nothing can be said of it any more; "" while it can
    sides    where the numbers of the two tensors come from whose product it began as (known.py)
    """

    root: Any
    calls: tuple[Call, ...] = ()
    spoiled: str = ""
    sides: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())

    @property
    def labels(self) -> frozenset[int]:
        """Where the numbers that it began with come from."""
        return self.sides[0] | self.sides[1]

    @property
    def is_scores(self) -> bool:
        """Whether it began as a product of two tensors that both depend on an input, as scores do."""
        return all(self.sides)

    def then(self, call: Call) -> Chain:
        """The same, one call further."""
        return replace(self, calls=(*self.calls, call))

    def spoil(self, reason: Message) -> Chain:
        """The same, of which no more is known than where it began; what it began with is let go."""
        return self if self.spoiled else Chain(None, (), reason, self.sides)


def _filled(argument: Any, array: torch.Tensor) -> Any:
    if argument is ITSELF:
        return array
    if isinstance(argument, list | tuple) and any(one is ITSELF for one in argument):
        return [array if one is ITSELF else one for one in argument]
    return argument


def with_itself(arguments: Sequence[Any], tensor: torch.Tensor) -> tuple[Any, ...]:
    """``arguments`` with ``ITSELF`` in place of ``tensor``, in lists of them, too."""
    return tuple(
        ITSELF
        if one is tensor
        else [ITSELF if inner is tensor else inner for inner in one]
        if isinstance(one, list | tuple) and any(inner is tensor for inner in one)
        else one
        for one in arguments
    )
