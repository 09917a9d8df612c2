"""matplotlib as attnviz needs it, whatever a person has set."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib


@contextmanager
def own_settings(**settings: Any) -> Iterator[None]:
    """matplotlib as it comes, with ``settings``, whatever a person's matplotlibrc says: the same input, the same picture."""
    plain = {name: value for name, value in matplotlib.rcParamsDefault.items() if "backend" not in name}
    with _said_of_memory(), matplotlib.rc_context(plain | settings):  # type: ignore[arg-type]
        yield


@contextmanager
def _said_of_memory() -> Iterator[None]:
    """matplotlib's compiled parts take a list that cannot become an array, for want of memory, for one of a wrong type."""
    try:
        yield
    except TypeError as error:
        if "incompatible function arguments" not in str(error):
            raise
        raise MemoryError("matplotlib could not make an array") from error


@contextmanager
def missing_glyphs_unspoken() -> Iterator[None]:
    """No warning of each glyph that no font has; who draws says it once (``fonts.families``)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield
