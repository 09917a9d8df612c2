"""The numbers as JSON: the contract for scripts."""

from __future__ import annotations

from typing import Any

import numpy
import orjson

from attnviz.renderers.data.records import record, require_room
from attnviz.trace.selection import Selection
from attnviz.trace.trace import Trace

BYTES = 32  # of one number of a map, while it is written


def to_json(trace: Trace, selection: Selection) -> bytes:
    """One line of JSON, in full precision; −∞ is null, what is unknown is left out.

    orjson writes NumPy arrays and the shortest decimal of each float itself, ten times as fast as the standard
    library, and turns what is not finite into null.
    """
    require_room(selection, BYTES, "JSON")
    return orjson.dumps(
        record(trace, selection), default=_listed, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    )


def _listed(value: Any) -> Any:
    """What orjson cannot read in place: arrays that are not contiguous, or of a type that it does not know."""
    if isinstance(value, numpy.ndarray):
        return value.tolist() if value.flags.c_contiguous else numpy.ascontiguousarray(value)
    raise TypeError(f"{type(value).__name__} in a record")
