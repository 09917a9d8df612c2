"""Arrays in a .safetensors file: mapped where they are large, bfloat16 as it is, never unpickled."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from attnviz.errors import AttnvizError
from attnviz.files import require_file, written_whole

if TYPE_CHECKING:
    import numpy


LARGE = 1 << 20  # bytes of an array: smaller ones are read, larger ones mapped
MAPPED = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BOOL": "?"}  # the types of what grows with a text


def write_safetensors(path: str | os.PathLike[str], arrays: Mapping[str, Any], metadata: dict[str, str]) -> None:
    """Save ``arrays`` (any library's, by name) as a .safetensors file, whole or not at all; bfloat16 stays so."""
    import numpy
    from safetensors import SafetensorError
    from safetensors.numpy import save, save_file

    from attnviz.attention.arrays import bfloat16_halves, to_numpy

    halves = {name: half for name, array in arrays.items() if (half := bfloat16_halves(array)) is not None}
    whole = {name: halves[name] if name in halves else to_numpy(array) for name, array in arrays.items()}
    contiguous = {name: numpy.ascontiguousarray(array) for name, array in whole.items()}
    with written_whole(path) as target:
        try:
            if halves:
                target.write_bytes(_as_bfloat16(save(contiguous, metadata), halves))
            elif stat.S_ISREG(target.stat().st_mode):
                save_file(contiguous, target, metadata)
            else:  # a pipe, which save_file would replace with a file
                target.write_bytes(save(contiguous, metadata))
        except SafetensorError as error:  # how this library reports a full disk, too
            raise AttnvizError(f"{path}: {error}") from None


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


def _as_bfloat16(content: bytes, names: Iterable[str]) -> bytes:
    """The same file with its 16-bit numbers of these names declared as what they are: NumPy has no name for it."""
    import json

    length = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:length])
    for name in names:
        header[name]["dtype"] = "BF16"
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the numbers stay aligned
    return len(text).to_bytes(8, "little") + text + content[length:]


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
