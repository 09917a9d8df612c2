"""Arrays in a .safetensors file: mapped where they are large, bfloat16 as it is, never unpickled."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attnviz.errors import AttnvizError
from attnviz.files import require_file, write_whole

if TYPE_CHECKING:
    import numpy


LARGE = 1 << 20  # bytes of an array: smaller ones are read, larger ones mapped
MAPPED = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BOOL": "?"}  # the types of what grows with a text
TYPES = MAPPED | {"I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1"}
TYPES |= {"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1"}


def write_safetensors(path: str | os.PathLike[str], arrays: Mapping[str, Any], metadata: dict[str, str]) -> None:
    """Save ``arrays`` (any library's, by name) as a .safetensors file, whole or not at all; bfloat16 stays so.

    Written here and not by the library, which writes to a name of its own accord, or makes a second copy of everything.
    The format is the one of https://github.com/huggingface/safetensors#format; its reader is the oracle of the tests.
    """
    write_whole(path, _pieces(arrays, metadata))


def _pieces(arrays: Mapping[str, Any], metadata: dict[str, str]) -> Iterator[bytes | memoryview]:
    """The file: the length of the header, the header, and the numbers of each array."""
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
    raise AttnvizError(f"{name} has the dtype {whole.dtype}, which a .safetensors file cannot hold")


def read_safetensors(path: str | os.PathLike[str]) -> tuple[dict[str, numpy.ndarray], dict[str, str]]:
    """The arrays of a .safetensors file, and its metadata; AttnvizError when it is damaged. Never unpickles."""
    from safetensors import SafetensorError, safe_open

    require_file(path)
    try:
        with safe_open(path, framework="numpy") as file:
            types = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118  (not a dict)
            mapped = _mapped(path, types)
            arrays = {
                name: file.get_tensor(name) for name, kind in types.items() if name not in mapped and kind != "BF16"
            }
            metadata = file.metadata() or {}
        halves = [name for name, kind in types.items() if kind == "BF16"]
        return mapped | arrays | _read_bfloat16(path, halves), metadata
    except AttributeError as error:  # how this library says that NumPy lacks a type
        raise AttnvizError(f"{path} holds numbers of a type that NumPy lacks: {error}") from None
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise AttnvizError(
            f"{path} is not a readable .safetensors file: {error}", "it may be cut short: copy or save it again"
        ) from None


def _mapped(path: str | os.PathLike[str], types: Mapping[str, str]) -> dict[str, numpy.ndarray]:
    """The large arrays as the file holds them, read-only: what is not looked at is not read."""
    import numpy

    header, begin = _header(path)
    content = numpy.memmap(path, dtype=numpy.uint8, mode="r")
    arrays = {}
    for name in (name for name, kind in types.items() if kind in MAPPED):
        first, last = (begin + offset for offset in header[name]["data_offsets"])
        if last - first >= LARGE and first % 8 == 0:
            arrays[name] = numpy.asarray(content[first:last].view(MAPPED[types[name]]).reshape(header[name]["shape"]))
    return arrays


def _header(path: str | os.PathLike[str]) -> tuple[dict[str, Any], int]:
    """What a .safetensors file says of its arrays, and where their bytes begin."""
    import json

    with open(path, "rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        return json.loads(stream.read(length)), 8 + length


def _read_bfloat16(path: str | os.PathLike[str], names: list[str]) -> dict[str, numpy.ndarray]:
    """bfloat16 is the upper half of a float32; NumPy has no such type, so safetensors leaves it to us."""
    if not names:
        return {}
    import numpy

    header, start = _header(path)
    arrays = {}
    for name in names:
        begin, end = header[name]["data_offsets"]
        halves = numpy.fromfile(path, dtype="<u2", count=(end - begin) // 2, offset=start + begin)
        arrays[name] = (halves.astype("<u4") << 16).view("<f4").reshape(header[name]["shape"])
    return arrays
