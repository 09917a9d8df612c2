"""What was done to a product of queries and keys, in the order in which it was done, up to its softmax."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import torch

from attnviz.errors import AttnvizError
from attnviz.sources.recording import words
from attnviz.sources.recording.chain import ITSELF, Call, Chain
from attnviz.sources.recording.contraction import Contraction, Places
from attnviz.text.message import Message

Move = Callable[[torch.Tensor], torch.Tensor]
NOWHERE = -1  # the place of a number that is of no product: a sink's


class UnnamedError(Exception):
    """What was computed has no name in a Rule; its argument says why, as a Message."""


def reason_of(problem: Exception) -> str:
    """Why something is not kept, in a line."""
    if isinstance(problem, AttnvizError):
        return problem.message
    if isinstance(problem, UnnamedError):
        reason: str = problem.args[0]
        return reason
    return Message("it could not be followed: {reason}", reason=one_line(problem))


def one_line(error: BaseException) -> str:
    """What an error of a library says, in a line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


class Addend(NamedTuple):
    """What is added to the scores, in their layout; and where its numbers come from."""

    array: torch.Tensor
    labels: frozenset[int] = frozenset()

    def on(self, move: Move) -> Addend:
        return Addend(move(self.array), self.labels)


@dataclass(frozen=True, eq=False)
class Scores:
    """A product and what was done to it: outer · tanh(factor · product) + addends, some cells filled with another number.

    All tensors have the shape of the scores as they are now; what is the same along an axis is a view.
    factor  a number, or one for each cell
    outer   what a tanh was multiplied with; None: there was none
    filled  where a number stands that has nothing to do with the product; ``lowest`` says whether all are −∞
    labels  where the numbers of queries and keys come from
    """

    product: Contraction
    places: Places
    factor: Any = 1.0
    outer: float | None = None
    addends: tuple[Addend, ...] = ()
    filled: torch.Tensor | None = None
    lowest: bool = True
    labels: frozenset[int] = frozenset()

    @classmethod
    def of(cls, chain: Chain) -> Scores:
        """What the calls of ``chain`` made of its product; ``UnnamedError`` where that cannot be said."""
        if chain.spoiled:
            raise UnnamedError(chain.spoiled)
        scores = cls(chain.root, chain.root.places(), chain.root.alpha, labels=chain.labels)
        for call in chain.calls:
            scores = scores.after(call)
        return scores

    @property
    def shape(self) -> torch.Size:
        """Of the scores as they are now."""
        return self.places.batch.shape

    @cached_property
    def device(self) -> torch.device:
        """Where they are."""
        return self.product.left.device

    def after(self, call: Call) -> Scores:
        """What ``call`` makes of them."""
        name = call.name
        if name in words.MOVES:
            return self.moved(call.on)
        step = next(step for names, step in STEPS if name in names)
        return step(self, call)

    def moved(self, move: Move, place: Move | None = None) -> Scores:
        """With every number where ``move`` takes it; ``place`` does the same to the places."""
        return replace(
            self,
            places=Places(*map(place or move, self.places)),
            factor=move(self.factor) if isinstance(self.factor, torch.Tensor) else self.factor,
            addends=tuple(one.on(move) for one in self.addends),
            filled=None if self.filled is None else move(self.filled),
        )

    def beside(self, other: Any) -> tuple[Scores, Any]:
        """These and ``other`` in the shape that both have together; a number stays one."""
        if not isinstance(other, torch.Tensor):
            return self, other
        shape = torch.broadcast_shapes(self.shape, other.shape)
        other = other.to(self.device).expand(shape)
        return (self if shape == self.shape else self.moved(lambda array: array.expand(shape))), other

    def times(self, other: Any) -> Scores:
        """All of it times a number, or one for each cell."""
        if isinstance(other, torch.Tensor) and other.numel() > 1 and bool(((other == 0) | (other == 1)).all()):
            return self.fill(other == 0, 0.0)  # GPT's mask: what hides is then added
        one, other = self.beside(other)
        addends = tuple(Addend(added.array * other, added.labels) for added in one.addends)
        if one.outer is None:
            return replace(one, factor=one.factor * other, addends=addends)
        if isinstance(other, torch.Tensor) and other.numel() != 1:
            raise UnnamedError(Message("scores that tanh has capped are multiplied with more than a number"))
        return replace(one, outer=one.outer * float(other), addends=addends)

    def plus(self, other: Any, labels: frozenset[int]) -> Scores:
        """All of it plus a number, or one for each cell."""
        one, other = self.beside(other)
        if not isinstance(other, torch.Tensor):
            other = torch.full((1,) * len(one.shape), float(other), device=one.device).expand(one.shape)
        return replace(one, addends=(*one.addends, Addend(other, labels)))

    def fill(self, where: torch.Tensor, value: Any) -> Scores:
        """With another number ``where`` that is true."""
        one, where = self.beside(where.bool())
        lowest = bool((value == -math.inf).all()) if isinstance(value, torch.Tensor) else value == -math.inf
        both = where if one.filled is None else one.filled | where
        return replace(one, filled=both, lowest=lowest and one.lowest)

    def tanh(self) -> Scores:
        """Their tanh."""
        if self.outer is not None or self.addends or self.filled is not None:
            raise UnnamedError(Message("a tanh is taken of scores to which something was added"))
        return replace(self, outer=1.0)


def _times(scores: Scores, call: Call) -> Scores:
    return scores.times(call.other("other"))


def _over(scores: Scores, call: Call) -> Scores:
    if call.position != 0 or call.kwargs.get("rounding_mode"):
        raise UnnamedError(Message("something is divided by the scores"))
    return scores.times(1 / call.other("other"))


def _plus(scores: Scores, call: Call) -> Scores:
    other, alpha = call.other("other"), call.kwargs.get("alpha", 1)
    if call.position != 0:
        scores = scores if alpha == 1 else scores.times(alpha)
        return scores.plus(other, call.labels)
    return scores.plus(other if alpha == 1 else other * alpha, call.labels)


def _minus(scores: Scores, call: Call) -> Scores:
    other, alpha = call.other("other"), call.kwargs.get("alpha", 1)
    first = (call.position == 0) != (call.name in ("__rsub__", "rsub"))
    if first:
        return scores.plus(-(other * alpha) if alpha != 1 else -other, call.labels)
    return scores.times(-alpha).plus(other, call.labels)


def _filled(scores: Scores, call: Call) -> Scores:
    if call.name == "__setitem__":
        where = torch.zeros(scores.shape, dtype=torch.bool, device=scores.device)
        where[call.args[1]] = True
        return scores.fill(where, call.args[2])
    if call.name != "where":
        return scores.fill(call.argument(1, "mask"), call.argument(2, "value"))
    if call.position == 0:  # scores.where(condition, other)
        condition, other, keeps = call.argument(1, "condition"), call.argument(2, "other"), True
    else:
        condition, keeps = call.argument(0, "condition"), call.position == 1
        other = call.argument(2 if keeps else 1, "other" if keeps else "input")
    return scores.fill(~condition if keeps else condition, other)


def _joined(scores: Scores, call: Call) -> Scores:
    """With more columns, or rows, that are of no product."""
    if call.name == "pad":
        pad, mode, value = (
            call.argument(1, "pad"),
            call.argument(2, "mode", "constant"),
            call.argument(3, "value", None),
        )
        if mode != "constant":
            raise UnnamedError(Message("scores are padded with copies of themselves"))

        def filled(filling: Any) -> Move:
            return lambda array: torch.nn.functional.pad(array, pad, value=filling)

        own = torch.zeros((1,) * len(scores.shape), device=scores.device).expand(scores.shape)
        new = filled(value or 0.0)(own)
    else:
        pieces, dim = call.argument(0, "tensors"), call.argument(1, "dim", call.kwargs.get("axis", 0))

        def filled(filling: Any) -> Move:
            return lambda array: torch.cat(
                [array if one is ITSELF else torch.full_like(one, filling, dtype=array.dtype) for one in pieces], dim
            )

        zeros = torch.zeros((), device=scores.device).expand(scores.shape)
        new = torch.cat([zeros if one is ITSELF else one for one in pieces], dim)
    factor = filled(1.0)(scores.factor) if isinstance(scores.factor, torch.Tensor) else scores.factor
    return replace(
        scores,
        places=Places(*map(filled(NOWHERE), scores.places)),
        factor=factor,
        addends=(*(one.on(filled(0)) for one in scores.addends), Addend(new, call.labels)),
        filled=None if scores.filled is None else filled(False)(scores.filled),
    )


STEPS: tuple[tuple[set[str], Callable[[Scores, Call], Scores]], ...] = (
    (words.TIMES, _times),
    (words.OVER, _over),
    (words.PLUS, _plus),
    (words.MINUS, _minus),
    (words.NEGATED, lambda scores, _: scores.times(-1)),
    (words.FILLED, _filled),
    (words.CAPPED, lambda scores, _: scores.tanh()),
    (words.JOINED, _joined),
)
