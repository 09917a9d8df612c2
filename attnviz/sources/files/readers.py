"""What a file holds, read with care: names and arrays, words and vectors. Nothing is ever unpickled."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy

from attnviz.errors import AttnvizError
from attnviz.files import file_errors, require_file
from attnviz.text.display import listed_tokens
from attnviz.trace.safetensors import read_safetensors

ARRAY_SUFFIXES = (".npz", ".safetensors", ".json")
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt")


def read_fields(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields of a file by their names, and its metadata (.safetensors only)."""
    require_no_directory(path)
    suffix = path.suffix.lower()
    if suffix in PICKLES:
        raise AttnvizError(
            f"{path} is a pickle, which can run any code when it is loaded: it is not read",
            "save it as .safetensors or .npz",
        )
    match suffix:
        case ".npz":
            content = read_numpy(path)
            if not isinstance(content, dict):
                raise AttnvizError(f"{path} holds one array without a name", "save it with numpy.savez(…, query=…)")
            return content, {}
        case ".safetensors":
            arrays, metadata = read_safetensors(path)
            listed = {
                name: _json(path, metadata[name].encode()) for name in ("tokens", "key_tokens") if name in metadata
            }
            return dict[str, Any](arrays) | listed, metadata
        case ".json":
            content = read_json(path)
            if not isinstance(content, dict):
                raise AttnvizError(
                    f"{path} holds a {type(content).__name__}: expected an object with query, key and value"
                )
            return content, {}
    raise AttnvizError(f"{path}: arrays are read from {', '.join(ARRAY_SUFFIXES)}")


def require_no_directory(path: Path) -> None:
    """Raise AttnvizError when ``path`` is a directory."""
    # Before its name is looked at: it has no suffix to change. Not path.is_dir(), which fails where a folder is closed.
    if os.path.isdir(path):
        raise AttnvizError(f"{path} is a directory, not a file")


def read_numpy(path: Path) -> Any:
    """The array of a .npy file, or the named arrays of a .npz file."""
    require_file(path)
    try:
        with open(path, "rb") as stream:  # opened here, for NumPy leaves it open when the content is damaged
            content = numpy.load(stream, allow_pickle=False)
            if isinstance(content, numpy.ndarray):
                return content
            with content:
                return {name: content[name] for name in content.files}
    except MemoryError:
        raise AttnvizError(f"{path} claims to hold more than fits into memory") from None
    except Exception as error:  # a damaged file fails in any of a dozen ways, all of which mean this
        if "Object arrays" in str(error) or _begins_as_pickle(path):
            raise AttnvizError(
                f"{path} holds Python objects (a pickle), which can run any code: they are not read",
                "save arrays of numbers",
            ) from None
        raise AttnvizError(
            f"{path} is not a readable {path.suffix} file: {_reason(error)}",
            "it may be cut short: copy or save it again",
        ) from None


def _reason(error: Exception) -> str:
    text = str(error)
    return "it holds something else" if "pickle" in text else text or type(error).__name__


def _begins_as_pickle(path: Path) -> bool:
    """Whether the file opens with a pickle's protocol byte; NumPy calls everything that it does not know a pickle."""
    with open(path, "rb") as stream:
        return stream.read(1) == b"\x80"


def read_json(path: Path) -> Any:
    """What a JSON file holds."""
    with file_errors(path):
        content = path.read_bytes()
    return _json(path, content)


def _json(path: Path, content: bytes) -> Any:
    try:
        # The standard library's reader, since it takes NaN and Infinity: they are then refused by name and place.
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise AttnvizError(f"{path} is not readable JSON: {error or 'nested too deeply'}") from None


def read_csv(path: Path) -> dict[str, list[float]]:
    """The words of a CSV file, each with its numbers; the first row may be a header."""
    with file_errors(path):
        content = path.read_bytes()
    try:
        rows = [row for row in csv.reader(content.decode("utf-8-sig").splitlines()) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise AttnvizError(f"{path} is not readable CSV: {error}") from None
    vectors: dict[str, list[float]] = {}
    for number, (word, *cells) in enumerate(rows, start=1):
        if word in vectors:
            raise AttnvizError(f"{path}, row {number}: {listed_tokens([word])} appears twice")
        try:
            vectors[word] = [float(cell) for cell in cells]
        except ValueError:
            if number > 1:  # the first row may be a header
                raise AttnvizError(
                    f"{path}, row {number}: expected a word and numbers, got {','.join([word, *cells])[:60]!r}"
                ) from None
    return vectors
