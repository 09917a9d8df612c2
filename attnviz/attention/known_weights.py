"""Weights that somebody else computed, where nothing else is known of a layer: what holds of them, and what is missing."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy

from attnviz.attention.arrays import Array, as_floating, like, namespace, overflow_unspoken, to_numpy
from attnviz.attention.checks import boolean_mask, of_scores
from attnviz.attention.rule import Rule
from attnviz.attention.visibility import Visibility
from attnviz.errors import AttnvizError

SINGLE = 2.0**-23  # the least relative step of float32, in which nearly all weights are computed
STEPS = {"bfloat16": 2.0**-7, "float16": 2.0**-10}  # the same of the types that hold less
LEAST_HALF = 2.0**-24  # of float16, below which a weight becomes 0
TOLD_BEFORE = (
    "scale",
    "softcap",
    "bias",
    "sinks",
)  # of a rule: what makes weights of scores, and can tell nothing of weights


class KnownWeights(NamedTuple):
    """What there is of one or more heads whose weights alone are known, in place of ``Steps``.

    weights  as they were given, in float32 or better   (…, heads, queries, keys)
    hidden   what the rule that was told hides; nothing, where none was   (…, heads, queries, keys), bool

    Every other step is an AttnvizError that says what is missing.
    """

    weights: Array
    hidden: Array

    @property
    def blind(self) -> Array:
        """True for each query whose keys are all hidden.  (…, heads, queries)"""
        return namespace(self.hidden).all(self.hidden, axis=-1)

    @property
    def scores(self) -> Array:
        raise weights_alone("scores")

    @property
    def scaled(self) -> Array:
        raise weights_alone("scaled")

    @property
    def masked(self) -> Array:
        raise weights_alone("masked")

    @property
    def output(self) -> Array:
        raise weights_alone("output")


def weights_alone(what: str) -> AttnvizError:
    """What to raise where ``what`` is asked for of weights alone."""
    return AttnvizError(
        "{what} cannot be shown: only the weights of this layer are known, not its query, key and value",
        "save query, key and value as well: every step is computed from them",
        what=what,
    )


def known_weights(weights: Array, rule: Rule, head: int = 0, query: int = 0) -> KnownWeights:
    """``weights``, ([heads,] queries, keys), and what ``rule`` hides of them; AttnvizError where they can be no weights.

    ``head`` and ``query`` are the numbers of the first of each, for what an error says.
    """
    numbers = as_floating(weights, "weights")
    xp, shape = namespace(numbers), tuple(numbers.shape)
    mask = None if rule.mask is None else of_scores(like(numbers, boolean_mask(rule.mask), xp.bool), "mask", shape)
    queries, keys = shape[-2:]
    seen = Visibility.of(rule, queries, keys, mask).block(slice(0, queries), slice(0, keys), xp, numbers.device)
    hidden = xp.zeros((), dtype=xp.bool, device=numbers.device) if seen is None else ~seen
    _require_weights(numbers, head, query)
    if seen is not None and bool(xp.any((numbers > 0) & hidden)):
        place = numpy.argwhere(to_numpy((numbers > 0) & hidden))[0].tolist()
        raise AttnvizError(
            "the weight {weight:.4g} at head {head}, query {query}, key {key} is on a key that the rule hides",
            "leave out what hides it (causal, window or mask): these weights were computed without it",
            **_place(numbers, place, head, query),
        )
    return KnownWeights(numbers, xp.broadcast_to(hidden, shape))


def require_tellable(rule: Rule) -> None:
    """Raise AttnvizError where ``rule`` says what made the weights of scores, which changes nothing in weights that are there."""
    for name in TOLD_BEFORE:
        if getattr(rule, name) is not None:
            raise AttnvizError(
                "{name} turns scores into weights, and of this layer only the weights are known",
                "leave it out; causal, query_offset, window and mask may say which keys a query could see",
                name=name,
            )


def _require_weights(numbers: Array, head: int, query: int) -> None:
    """Raise the AttnvizError that says where one of ``numbers`` is no weight: NaN, below 0, or above 1 by more than rounding."""
    xp = namespace(numbers)
    if float(xp.min(numbers)) >= 0 and float(xp.max(numbers)) <= 1:  # NaN is neither
        return
    most = 1 + 4 * rounding(numbers)
    wrong = numpy.argwhere(~to_numpy((numbers >= 0) & (numbers <= most)))
    if len(wrong):
        raise AttnvizError(
            "the weight at head {head}, query {query}, key {key} is {weight:.4g}: a weight is a number from 0 to 1",
            "scores and logits are no weights; dropout makes some larger than 1: call model.eval() first",
            **_place(numbers, wrong[0].tolist(), head, query),
        )


def _place(numbers: Array, place: list[int], head: int, query: int) -> dict[str, Any]:
    """Where a weight stands, ([head,] query, key), and the weight, for what an error says."""
    *heads, row, key = place
    weight = float(numbers[tuple(place)])
    return {"head": head + sum(heads), "query": query + row, "key": key, "weight": weight}


def rounding(weights: Array) -> float:
    """The relative step between the numbers in which ``weights`` were written: of the coarsest type that holds all of them.

    So weights of half precision are told as such in a file of float32 as well; none are taken to be finer than float32.
    """
    numbers = to_numpy(weights)
    for kind, step in STEPS.items():
        if all(_held(kind, some) for some in _parts(numbers)):
            return step
    return SINGLE


def sum_tolerance(step: float, keys: int) -> float:
    """How far the sum of a row of ``keys`` weights may be from 1 by rounding alone, where ``step`` is their ``rounding``.

    Each weight is off by half a step of itself, which makes half a step of the row; in float16 the smallest are also lost.
    The exponentials' own sum was rounded in float32, as its terms add up at random.
    """
    lost = keys * LEAST_HALF if step == STEPS["float16"] else 0.0
    return step + lost + 4 * SINGLE * math.sqrt(keys)


def _parts(numbers: numpy.ndarray) -> Any:
    """A few of the numbers, which mostly tell, and then all of them, a head at a time."""
    yield numbers.reshape(-1, numbers.shape[-1])[:8]
    yield from numbers if numbers.ndim > 2 else (numbers,)


def _held(kind: str, numbers: numpy.ndarray) -> bool:
    """Whether a type that holds less, bfloat16 or float16, holds each of ``numbers``."""
    with overflow_unspoken():
        single = numbers.astype(numpy.float32)
        same = (
            (single.view(numpy.uint32) & 0xFFFF) == 0 if kind == "bfloat16" else single.astype(numpy.float16) == single
        )
    return bool(same.all() and (single == numbers).all())
