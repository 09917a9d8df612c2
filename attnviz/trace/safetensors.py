"""Arrays in a .safetensors file: mapped where they are large, bfloat16 as it is, never unpickled."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attnviz.attention.memory import allowance, require_memory
from attnviz.errors import AttnvizError
from attnviz.files import file_errors, read_whole, require_file, write_whole
from attnviz.text.display import shown_line
from attnviz.text.message import Message

if TYPE_CHECKING:
    import numpy


LARGE = 1 << 20  # bytes of an array: smaller ones are read, larger ones mapped
COPIES = 4  # of what is read into memory, at the most: the bytes, a check of them, and numbers twice as wide
UNREAD = object()  # stands for an array that nobody asked for
MAPPED = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BOOL": "?"}  # the types of what grows with a text
TYPES = MAPPED | {"I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1"}
TYPES |= {"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1"}


def write_safetensors(path: str | os.PathLike[str], arrays: Mapping[str, Any], metadata: dict[str, str]) -> None:
    """Save ``arrays`` (any library's, by name) as a .safetensors file, whole or not at all; bfloat16 stays so.

    Written here and not by the library, which writes to a name of its own accord, or makes a second copy of everything.
    The format is the one of https://github.com/huggingface/safetensors#format; its reader is the oracle of the tests.
    """
    write_whole(path, safetensors_pieces(arrays, metadata))


def safetensors_pieces(arrays: Mapping[str, Any], metadata: dict[str, str]) -> Iterator[bytes | memoryview]:
    """The bytes of the file: the length of the header, the header, and the numbers of each array."""
    import json

    kept = {name: _stored(name, array) for name, array in arrays.items()}
    names = sorted(kept, key=lambda name: (-kept[name][1].itemsize, name))  # the widest first: all are aligned
    header: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name in names:
        kind, array = kept[name]
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for name in names:
        flat = kept[name][1].reshape(-1)  # a copy where the array lies otherwise in memory, of this one alone
        yield flat.view("u1").data


def _stored(name: str, array: Any) -> tuple[str, numpy.ndarray]:
    """What a .safetensors file calls the type of ``array``, and its numbers, in the order of the file's bytes."""
    from attnviz.attention.arrays import bfloat16_halves, to_numpy

    if (halves := bfloat16_halves(array)) is not None:
        return "BF16", halves.astype("<u2", copy=False)
    whole = to_numpy(array)
    little = whole.dtype.newbyteorder("<")
    for kind, dtype in TYPES.items():
        if dtype == little:
            return kind, whole.astype(little, copy=False)
    raise AttnvizError(
        "{name} has the dtype {dtype}, which a .safetensors file cannot hold", name=name, dtype=whole.dtype
    )


def read_safetensors(
    path: str | os.PathLike[str], content: bytes | None = None, wanted: Callable[[str], bool] | None = None
) -> tuple[dict[str, Any], dict[str, str]]:
    """The arrays of a .safetensors file, and its metadata; AttnvizError when it is damaged. Never unpickles.

    What is no file on a disk is read once, into memory; ``content`` are the bytes, where they have been read already.
    UNREAD stands for arrays that are not ``wanted``; all of a saved trace are.
    """
    from safetensors import SafetensorError

    if content is None and not _on_disk(path):
        content = read_whole(path, allowance() // COPIES)
    try:
        header, begin = _header(path, content)
        metadata = header.pop("__metadata__", {})
        names = list(header) if wanted is None or "attnviz" in metadata else [name for name in header if wanted(name)]
        arrays = _mapped(path, header, begin, names) if content is None else {}
        rest = [name for name in names if name not in arrays]
        with open(path, "rb") if content is None else io.BytesIO(content) as stream:
            arrays |= _read(path, stream, header, begin, rest)
        return {name: arrays.get(name, UNREAD) for name in header}, metadata
    except (SafetensorError, OSError, ValueError, TypeError) as error:  # some quote a name of the file
        raise AttnvizError(
            "{path} is not a readable .safetensors file: {reason}",
            "it may be cut short: copy or save it again",
            path=path,
            reason=shown_line(str(error)),
        ) from None


def _on_disk(path: str | os.PathLike[str]) -> bool:
    """Whether the path leads to a file that can be mapped, and opened again; AttnvizError where there is none."""
    with file_errors(path):
        if stat.S_ISREG(os.stat(path).st_mode):
            require_file(path)
            return True
    return False


def _header(path: str | os.PathLike[str], content: bytes | None) -> tuple[dict[str, Any], int]:
    """What a .safetensors file says of its arrays, and where their bytes begin, once its library has found it sound."""
    from safetensors import deserialize, safe_open

    from attnviz.trace.json_text import parsed_json

    if content is None:
        with safe_open(path, framework="numpy"), open(path, "rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            text = stream.read(length)
    else:
        deserialize(content)  # type: ignore[no-untyped-call]
        length = int.from_bytes(content[:8], "little")
        text = content[8 : 8 + length]
    return parsed_json(text, Message("the header of {path}", path=path)), 8 + length


def _mapped(
    path: str | os.PathLike[str], header: Mapping[str, Any], begin: int, names: Iterable[str]
) -> dict[str, numpy.ndarray]:
    """The large arrays as the file holds them, read-only: what is not looked at is not read."""
    import numpy

    arrays: dict[str, numpy.ndarray] = {}
    content = None
    for name in names:
        kind, (first, last) = header[name]["dtype"], header[name]["data_offsets"]
        if kind in MAPPED and last - first >= LARGE and (begin + first) % 8 == 0:
            content = numpy.memmap(path, dtype=numpy.uint8, mode="r") if content is None else content
            flat = content[begin + first : begin + last].view(MAPPED[kind])
            arrays[name] = numpy.asarray(flat.reshape(header[name]["shape"]))
    return arrays


def _read(
    path: str | os.PathLike[str], stream: io.BufferedIOBase, header: Mapping[str, Any], begin: int, names: Iterable[str]
) -> dict[str, numpy.ndarray]:
    """The arrays of these names, read into memory."""
    places = {name: header[name]["data_offsets"] for name in names}
    needed = sum(last - first for first, last in places.values())
    require_memory(needed * COPIES, Message("what {path} holds", path=path), "save less of it")
    arrays = {}
    for name, (first, last) in places.items():
        content = bytearray(last - first)
        stream.seek(begin + first)
        stream.readinto(content)
        arrays[name] = _array(f"{path}: {name}", header[name], content)
    return arrays


def _array(name: str, facts: Mapping[str, Any], content: bytearray) -> numpy.ndarray:
    """The array whose bytes are ``content``. bfloat16 is the upper half of a float32: NumPy has no such type."""
    import numpy

    if facts["dtype"] == "BF16":
        flat = (numpy.frombuffer(content, "<u2").astype("<u4") << 16).view("<f4")
    elif facts["dtype"] in TYPES:
        flat = numpy.frombuffer(content, TYPES[facts["dtype"]])
    else:
        raise AttnvizError(
            "{name} holds numbers of the type {dtype}, which NumPy lacks", name=shown_line(name), dtype=facts["dtype"]
        )
    return flat.reshape(facts["shape"])
