"""The hash of all that a model's files hold: two models of one name are told apart by it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from attnviz.choices import TINY, is_tiny
from attnviz.files import file_errors

PIECE = 1 << 20  # bytes read at once
BESIDE = ("adapter", "embeddings", "weights")  # what is put into a model, and a person's own files, of toy attention


def fingerprint(model: str | None, making: Mapping[str, Any]) -> str:
    """A SHA-256 of every byte of what a job reads beside the texts: all files of the model's folder and of an adapter's that
    loading may read, a file of weights, or a person's own vectors and matrices. Of an id of the hub it is the id and the commit
    that was fetched, which names the content of each file there.

    Reading them takes about as long as loading the model does; a hash of their sizes and times would be cheaper, but a copy to
    another machine would look like another model, and weights that were trained on in place like the same one.
    """
    own = hashlib.sha256()
    for name in _parts(model, making):
        own.update(_of_commit(name) or _of_files(Path(name)))
    return own.hexdigest()


def called(model: str | None, making: Mapping[str, Any]) -> dict[str, Any]:
    """The names of what ``fingerprint`` reads, by those of their options, wherever it lies: of a path the last part alone."""
    beside = {name: making[name] for name in BESIDE if isinstance(making.get(name), str | Path)}
    return {name: _last(str(value)) for name, value in {"model": model, **beside}.items() if value is not None}


def _last(name: str) -> str:
    if is_tiny(name) or not os.path.exists(name):
        return name
    return os.path.basename(os.path.abspath(name))


def _parts(model: str | None, making: Mapping[str, Any]) -> Iterator[str]:
    """The folders and files that are named, and ids of the hub."""
    if model == TINY:
        yield str(files("attnviz.sources.tiny") / "tiny.safetensors")
    elif model is not None:
        yield model
    for name in BESIDE:
        if isinstance(making.get(name), str | Path):
            yield str(making[name])


def _of_commit(name: str) -> bytes | None:
    """What names the content of an id of the hub; None of what lies on this machine."""
    if is_tiny(name) or Path(name).exists():
        return None
    from attnviz.sources.huggingface.loading.place import model_folder

    return f"{name}@{model_folder(name).name}".encode()


def _of_files(path: Path) -> bytes:
    own = hashlib.sha256()
    with file_errors(path):
        for one in [path] if path.is_file() else _of_folder(path):
            content = hashlib.sha256()
            with open(one, "rb") as stream:
                while piece := stream.read(PIECE):
                    content.update(piece)
            own.update(f"{one.name if one == path else one.relative_to(path)}\0{content.hexdigest()}\n".encode())
    return own.digest()


def _of_folder(folder: Path) -> list[Path]:
    """The files of a model's folder that loading may read: no pickles, and nothing that begins with a dot."""
    from attnviz.sources.huggingface.loading.folder import PICKLED, TEMPLATES

    entries = [*folder.iterdir(), *(folder / TEMPLATES).glob("*")]
    return sorted(
        path
        for path in entries
        if path.is_file() and not path.name.startswith(".") and not any(map(path.match, PICKLED))
    )
