"""What a trace says of the model it comes from: its name, its ids, and how exactly it holds what that model computed.

A saved trace may say anything: what is not as sources/models.py writes it counts as unsaid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from attnviz.text.display import shorten, shown
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace

NAME_CELLS = 60
TEXT, TARGET = "", "target_"  # whose ids: of the text, and of what a decoder reads


def model_name(trace: Trace) -> str:
    """The model that the trace was taken from, as a person may safely see it, or "" where there was none."""
    name = trace.source.get("model", "")
    return shorten(shown(name), NAME_CELLS) if isinstance(name, str) and name else ""


def layer_error(trace: Trace, layer: Layer) -> float | None:
    """How far the outputs recomputed for ``layer`` are from the model's own, in parts of a head's largest; None: unknown.

    The largest difference over the heads and the queries that were compared (sources/agreement.py).
    """
    errors = _agreement(trace).get("errors")
    return _number(errors.get(layer.title)) if isinstance(errors, Mapping) else None


def largest_error(trace: Trace) -> float | None:
    """The same over all layers that were captured."""
    return _number(_agreement(trace).get("largest_error"))


def exactness(model: str, error: float | None) -> str:
    """One line that says of which model the numbers are, and how exactly; "" where either is unknown."""
    return f"{model}, recomputed to within {error:.1e} of its own outputs" if model and error is not None else ""


def ids(trace: Trace, side: str = TEXT) -> tuple[int, ...]:
    """The ids of the text, or of what the decoder reads; nothing where they are not known."""
    return _whole_numbers(trace.source.get(f"{side}ids"))


def special(trace: Trace, side: str = TEXT) -> frozenset[int]:
    """The positions of special tokens among them."""
    return frozenset(_whole_numbers(trace.source.get(f"{side}special")))


def side_of(trace: Trace, layer: Layer) -> str:
    """Whose ids the queries of ``layer`` have."""
    if layer.stack in ("vision", "audio", "connector"):
        return f"{layer.stack}_"  # which has no ids
    return TARGET if layer.stack in ("decoder", "cross") and ids(trace, TARGET) else TEXT


def _agreement(trace: Trace) -> Mapping[str, Any]:
    known = trace.source.get("agreement")
    return known if isinstance(known, Mapping) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _whole_numbers(values: Any) -> tuple[int, ...]:
    good = isinstance(values, list | tuple) and all(isinstance(value, int) for value in values)
    return tuple(values) if good else ()
