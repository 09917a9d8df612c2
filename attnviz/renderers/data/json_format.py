"""The numbers as JSON: the contract for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import numpy
import orjson

from attnviz.renderers.data.records import record, require_room
from attnviz.trace.selection import Selection
from attnviz.trace.trace import Trace

BYTES = 2 * 8  # of one number of a map: it is computed in float64, and where parts are left out, what is kept is a copy
WHOLE = 1 << 16  # pairs of a query and a key, up to which a trace is written in one piece
NUMBERS = 1 << 14  # of an array, in one piece


def to_json(trace: Trace, selection: Selection) -> Iterator[bytes]:
    """One line of JSON, in full precision; −∞ is null, what is unknown is left out.

    orjson writes NumPy arrays and the shortest decimal of each float itself, ten times as fast as the standard
    library, and turns what is not finite into null. A large array comes in pieces, row by row: its text takes three times
    the memory of its numbers, and orjson ends the process where there is not enough. All is computed before the first piece.
    """
    require_room(selection, BYTES, "JSON")
    data = record(trace, selection)
    if sum(one.layer.queries * one.layer.keys for one in selection.layers) <= WHOLE:
        return iter([_dumped(data) + b"\n"])
    return _line(data)


def _line(data: Mapping[str, Any]) -> Iterator[bytes]:
    yield from _pieces(data)
    yield b"\n"


def _pieces(value: Any) -> Iterator[bytes]:
    """``value`` as orjson writes it, its large arrays in pieces."""
    if isinstance(value, Mapping):
        members = ([orjson.dumps(name), b":"] for name in value)
        yield from _joined(
            b"{", (chain(name, _pieces(one)) for name, one in zip(members, value.values(), strict=True)), b"}"
        )
    elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
        yield from _joined(b"[", map(_pieces, value), b"]")
    elif isinstance(value, numpy.ndarray) and value.ndim > 1 and value.size > NUMBERS:
        rows = max(1, NUMBERS * len(value) // value.size)
        blocks = (value[first : first + rows] for first in range(0, len(value), rows))
        yield from _joined(b"[", ([_dumped(block)[1:-1]] for block in blocks), b"]")
    else:
        yield _dumped(value)


def _joined(begin: bytes, members: Iterable[Iterable[bytes]], end: bytes) -> Iterator[bytes]:
    """The pieces of all ``members``, with a comma between one and the next."""
    separator = begin
    for member in members:
        yield separator
        yield from member
        separator = b","
    yield end if separator == b"," else begin + end


def _dumped(value: Any) -> bytes:
    return orjson.dumps(value, default=_listed, option=orjson.OPT_SERIALIZE_NUMPY)


def _listed(value: Any) -> Any:
    """What orjson cannot read in place: arrays that are not contiguous, or of a type that it does not know."""
    if isinstance(value, numpy.ndarray):
        return value.tolist() if value.flags.c_contiguous else numpy.ascontiguousarray(value)
    raise TypeError(f"{type(value).__name__} in a record")
