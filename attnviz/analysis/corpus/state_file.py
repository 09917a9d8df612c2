"""Statistics as a file: safetensors, never pickled, with a checksum, so that a file that was damaged is never merged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

import numpy

from attnviz.analysis.corpus.running import Running
from attnviz.errors import AttnvizError
from attnviz.text.display import shown
from attnviz.text.message import Message
from attnviz.trace.json_text import parsed_json
from attnviz.trace.safetensors import read_safetensors, safetensors_pieces
from attnviz.trace.schema import Kind, object_of, require_kind

MARK = "attnviz_stats"  # in the metadata; its value is the version
SHARD = "shard"  # in the metadata of what a folder keeps: somebody may copy it to the name of another
VERSION = "1"  # another one as soon as a number in the file means something else
WRITES = Message("attnviz stats -o NAME.stats writes such a file")

Choice = TypeVar("Choice", bound=StrEnum)

PARTS = {"count": numpy.dtype("<i8"), "means": numpy.dtype("<f8"), "squares": numpy.dtype("<f8")}
KINDS = ("weights", "effects", "needles")
RECORD = object_of({}, "kind")


class Packed(NamedTuple):
    """What a file holds: what its numbers are of (one of KINDS), the record beside them, and the arrays."""

    kind: str
    record: dict[str, Any]
    arrays: dict[str, numpy.ndarray]


def packed(content: Packed) -> bytes:
    """The bytes of the file."""
    text = json.dumps({"kind": content.kind, **content.record}, ensure_ascii=False, allow_nan=False)
    metadata = {MARK: VERSION, "statistics": text, "sha256": _checksum(text, content.arrays)}
    return b"".join(safetensors_pieces(content.arrays, metadata))


def unpacked(content: bytes, name: str) -> Packed:
    """What ``content`` holds; AttnvizError, which calls it ``name``, where it is none of ours, or damaged."""
    try:
        arrays, metadata = read_safetensors(name, content)
    except AttnvizError:
        raise AttnvizError("{path} is no .stats file, or cut short", WRITES, path=name) from None
    with of_file(name):
        if MARK not in metadata:
            raise AttnvizError("it holds no statistics", WRITES)
        if metadata[MARK] != VERSION:
            raise AttnvizError("another version of attnviz has written it", "measure again with this one")
        text = str(metadata.get("statistics", ""))
        if metadata.get("sha256") != _checksum(text, arrays):
            raise AttnvizError("it is damaged: its checksum is another", "copy it again, or measure again")
        record = parsed_json(text.encode("utf-8", "replace"), Message("what it says"))
        require_kind(record, RECORD)
        if record["kind"] not in KINDS:
            raise AttnvizError("it holds no statistics", WRITES)
        return Packed(record.pop("kind"), record, arrays)


def of_shard(content: bytes, key: str) -> bytes:
    """The file ``content``, which says beside all else of which texts it is, by a ``key`` that names them."""
    arrays, metadata = read_safetensors(key, content)
    return b"".join(safetensors_pieces(arrays, {**metadata, SHARD: key}))


def require_shard(content: bytes, key: str, name: str) -> None:
    """Raise AttnvizError, which calls it ``name``, where the file ``content`` is not of the texts named ``key``."""
    _, metadata = read_safetensors(name, content)
    if metadata.get(SHARD) != key:
        raise AttnvizError("{path} is of other texts than its name says", path=name)


@contextmanager
def of_file(name: str) -> Iterator[None]:
    """Errors in the block are those of the file ``name``."""
    try:
        yield
    except AttnvizError as error:
        raise AttnvizError("{path}: {reason}", error.hint, path=name, reason=error.message) from None


def running_arrays(running: Running, prefix: str) -> dict[str, numpy.ndarray]:
    """The arrays of ``running``, by names that begin with ``prefix``."""
    return {f"{prefix}.{part}": getattr(running, part).astype(kind) for part, kind in PARTS.items()}


def running_of(arrays: Mapping[str, numpy.ndarray], prefix: str, shape: tuple[int, ...], most: int) -> Running:
    """What ``running_arrays`` wrote; AttnvizError where it is of another shape, or impossible over ``most`` texts."""
    parts = []
    for part, kind in PARTS.items():
        array = arrays.get(f"{prefix}.{part}")
        if array is None or array.shape != shape or array.dtype != kind:
            raise AttnvizError("{name} is missing, or of another shape", name=f"{prefix}.{part}")
        parts.append(array)
    count, means, squares = parts
    sound = (count >= 0).all() and (count <= most).all() and numpy.isfinite(means).all() and (squares >= 0).all()
    if not sound or not numpy.isfinite(squares).all():
        raise AttnvizError("{name} holds numbers that cannot be", name=prefix)
    return Running.of(count.astype(int), means.astype(float), squares.astype(float))


def require_of(content: Packed, kind: str) -> None:
    """Raise AttnvizError where the numbers of ``content`` are not of ``kind``."""
    if content.kind != kind:
        raise AttnvizError(
            "it holds statistics of {found}, and those of {kind} are read here",
            found=kind_words(content.kind),
            kind=kind_words(kind),
        )


def kind_words(kind: str) -> str:
    """One of KINDS in a sentence."""
    return Message("effects") if kind == "effects" else Message("weights")


def member(field: str, kind: type[Choice], value: str) -> Choice:
    """The member of ``kind`` that ``value`` is; AttnvizError where a later attnviz knows more of them."""
    found = next((one for one in kind if one.value == value), None)
    if found is None:
        raise AttnvizError(
            "{field} has {value}, which this attnviz does not know", "update attnviz", field=field, value=shown(value)
        )
    return found


def require_record(record: Mapping[str, Any], fields: Mapping[str, Kind]) -> None:
    """Raise AttnvizError where one of ``fields`` is missing from ``record``, or is of another kind."""
    require_kind(record, object_of(fields, *fields))


def _checksum(text: str, arrays: Mapping[str, numpy.ndarray]) -> str:
    """Of all that the file says and holds, by name, type and shape."""
    digest = hashlib.sha256(text.encode("utf-8", "replace"))
    for name in sorted(arrays):
        array = numpy.ascontiguousarray(arrays[name])
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode("utf-8", "replace"))
        digest.update(array.reshape(-1).view("u1").data)
    return digest.hexdigest()
