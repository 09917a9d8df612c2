"""The arithmetic in which an output was computed: the type that it has, or the narrower one on whose numbers all of it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy

from attnviz.analysis.diagnosis.computing import rounded
from attnviz.errors import AttnvizError

SOME = 4096  # numbers that are asked before all of them are
ENOUGH = 24  # different fractions from which numbers that all lie on a coarse grid lie there for a reason


@dataclass(frozen=True)
class Arithmetic:
    """How an implementation rounds.

    unit     unit roundoff of the numbers that it stores: half the distance of 1 and the next number
    product  the same of what its products are given
    total    the same of its sums
    tiny     its smallest number: what an underflow may lose
    largest  its largest number
    """

    name: str
    unit: float
    product: float
    total: float
    tiny: float
    largest: float
    bits: int


def _arithmetic(name: str, bits: int, tiny: float, largest: float, product: int | None = None) -> Arithmetic:
    single = 2.0**-24
    unit = 2.0**-bits
    return Arithmetic(name, unit, 2.0 ** -(product or bits), min(unit, single), tiny, largest, bits)


SINGLE = float(numpy.finfo(numpy.float32).max)
ARITHMETICS = {
    one.name: one
    for one in (
        _arithmetic("float64", 53, 2.0**-1074, float(numpy.finfo(numpy.float64).max)),
        _arithmetic("float32", 24, 2.0**-126, SINGLE),
        _arithmetic(
            "tf32", 24, 2.0**-126, SINGLE, product=10
        ),  # some devices cut products off instead of rounding: a bit less
        _arithmetic("float16", 11, 2.0**-24, 65504.0),
        _arithmetic("bfloat16", 8, 2.0**-126, SINGLE),
    )
}
GRIDS = ("float16", "bfloat16", "float32")


def arithmetic_named(name: str) -> Arithmetic:
    """AttnvizError where there is none of this name."""
    if name not in ARITHMETICS:
        raise AttnvizError("dtype is {name!r}: expected one of {names}", name=name, names=", ".join(ARITHMETICS))
    return ARITHMETICS[name]


def arithmetic_of(output: numpy.ndarray, dtype: str) -> Arithmetic:
    """The arithmetic of ``output``, which came in ``dtype``: half precision is often saved as something wider.

    Numbers that all lie on the grid of a narrower type, and are no simple ones, were computed in it.
    """
    declared = ARITHMETICS.get(dtype, ARITHMETICS["float64"])
    numbers = output[numpy.isfinite(output)]
    some = numbers[:: max(1, len(numbers) // SOME)]
    if not (_are_enough(some) or _are_enough(numbers)):
        return declared if declared.bits < 53 else ARITHMETICS["float32"]
    grids = (ARITHMETICS[name] for name in GRIDS)
    coarse = [one for one in grids if _all_on(some, one.bits) and _all_on(numbers, one.bits)]
    return min([declared, *coarse], key=lambda one: one.bits)


def _are_enough(numbers: numpy.ndarray) -> bool:
    """Whether their fractions differ in so many ways."""
    return len(numpy.unique(abs(numpy.frexp(numbers)[0]))) >= ENOUGH


def _all_on(numbers: numpy.ndarray, bits: int) -> bool:
    return bool((rounded(numbers, bits) == numbers).all())
