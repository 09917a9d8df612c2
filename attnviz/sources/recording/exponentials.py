"""A softmax that is written out: exponentials of scores, their sum, and the quotient, before the values or after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from attnviz.sources.recording import words
from attnviz.sources.recording.by_hand import Softmaxed
from attnviz.sources.recording.chain import ITSELF, Call, Chain
from attnviz.sources.recording.contraction import Contraction
from attnviz.sources.recording.known import Known

SUMS = {"sum", "nansum"}
LOGARITHM = {"log_softmax"}


@dataclass(frozen=True, eq=False)
class Exponential:
    """exp(scores), ``result``."""

    scores: Chain
    result: torch.Tensor


@dataclass(frozen=True, eq=False)
class Total:
    """The sum of exponentials over the axis ``dim``, which it keeps with the size 1."""

    of: Exponential
    dim: int


@dataclass(frozen=True, eq=False)
class LogSoftmax:
    """The logarithm of a softmax over the axis ``dim``."""

    scores: Chain
    dim: int


@dataclass(frozen=True, eq=False)
class Undivided:
    """The product of exponentials, its left or its right side, and values."""

    of: Exponential
    product: Contraction
    is_left: bool


@dataclass(frozen=True, eq=False)
class Met:
    """Weights, as a chain, that met their values in a product."""

    chain: Chain
    product: Contraction
    is_left: bool


def begun(chain: Chain, name: str, result: Any) -> Chain | None:
    """Where ``chain``, of scores, goes on as their exponentials; None where the function is another."""
    if name in words.EXP and isinstance(chain.root, LogSoftmax) and not chain.calls:
        return Chain(Softmaxed(chain.root.scores, chain.root.dim, result), sides=chain.sides)
    if name in words.EXP and isinstance(chain.root, Contraction):
        return Chain(Exponential(chain, result), sides=chain.sides)
    return None


def went_on(
    known: Known, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: torch.Tensor
) -> Chain | Met | None:
    """What a function made of exponentials, or of their sum; None where nothing of that is a softmax."""
    chain = known.chain(args[0]) if args else None
    if chain is None or chain.spoiled:
        return None
    if isinstance(chain.root, Exponential) and name in SUMS:
        return _summed(chain, args, kwargs)
    if isinstance(chain.root, Exponential) and name in words.TIMES:
        return _hidden(chain, args[1], result)
    if isinstance(chain.root, Total) and name in ("unsqueeze", "clamp", "clamp_min", *words.PLUS):
        return chain  # a small number beside it, against a division by 0: whether it matters, the weights tell
    if name in words.OVER:
        return _divided(chain, known.chain(args[1]), args, result)
    return None


def _summed(chain: Chain, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Chain | None:
    dim = kwargs.get("dim", kwargs.get("axis", args[1] if len(args) > 1 else None))
    dims = [dim] if isinstance(dim, int) else list(dim or ())
    if len(dims) != 1:
        return None
    return Chain(Total(chain.root, dims[0] % chain.root.result.ndim), sides=chain.sides)


def _hidden(chain: Chain, mask: Any, result: torch.Tensor) -> Chain | None:
    """Exponentials that are multiplied with 0 and 1: what has 0 is hidden."""
    if not isinstance(mask, torch.Tensor) or bool(((mask != 0) & (mask != 1)).any()):
        return None
    fill = Call("masked_fill", torch.Tensor.masked_fill, (ITSELF, mask == 0, -torch.inf), {})
    return Chain(Exponential(chain.root.scores.then(fill), result), sides=chain.sides)


def _divided(chain: Chain, other: Chain | None, args: tuple[Any, ...], result: torch.Tensor) -> Chain | Met | None:
    """What is divided by the sum of its exponentials."""
    if other is None or not isinstance(other.root, Total) or chain.calls:
        return None
    of, dim = other.root.of, other.root.dim
    if chain.root is of:
        return Chain(Softmaxed(of.scores, dim, result), sides=chain.sides)
    if isinstance(chain.root, Undivided) and chain.root.of is of:
        total = args[1]
        weights = of.result / (total if total.ndim == of.result.ndim else total.unsqueeze(dim))
        softmaxed = Chain(Softmaxed(of.scores, dim, weights), sides=chain.sides)
        return Met(softmaxed, chain.root.product, chain.root.is_left)
    return None
