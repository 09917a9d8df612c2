"""Two ways to compute the same attention, compared cell by cell as far as both may be off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from strategies import Case
from tolerances import Arithmetic, Bounded, bounded, require_near

from attnviz import Steps


def bounds_of(case: Case, kind: str | None = None, **roundings: int) -> Bounded:
    """What attend() may be off by, or what has other ``roundings``: half precision is computed in float32."""
    computed = kind or ("float64" if case.query.dtype == numpy.float64 else "float32")
    return bounded(case.query, case.key, case.value, Arithmetic.of(computed, **roundings), case.options)


def require_same(
    one: Case,
    other: Case,
    convert: Callable[[Any], Any] = numpy.asarray,
    names: tuple[str, ...] = Steps._fields,
    part: Callable[[numpy.ndarray, str], numpy.ndarray] = lambda array, _: array,
) -> None:
    """Raise AssertionError where a step of ``one``, of which ``part`` takes what ``other`` has, differs from that of ``other``
    by more than both may be off."""
    left, right = one.attend(convert), other.attend(convert)
    wide, wider = bounds_of(one).errors, bounds_of(other).errors
    for name in names:
        allowed = part(getattr(wide, name), name) + getattr(wider, name)
        require_near(part(getattr(left, name), name), getattr(right, name), allowed, name)
