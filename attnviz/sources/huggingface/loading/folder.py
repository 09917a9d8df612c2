"""What may be read of a model's folder: files that lie in it, and weights that are .safetensors; all is asked before one is opened."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

from attnviz.errors import AttnvizError
from attnviz.files import file_errors, require_file
from attnviz.sources.huggingface.loading.errors import one_line, pickled
from attnviz.text.message import Message

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
TEMPLATES = "additional_chat_templates"  # the one folder inside a model's that is read
ADAPTER = "adapter_config.json"
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
OF_SEVERAL_MACHINES = re.compile(r"shard-\d+-model-")  # a training's checkpoint, which is read in place of the weights
TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "vocab.*", "*.model", "*.tiktoken", "tekken.json")
BESIDE_TOKENIZERS = ("merges.txt", "added_tokens.json", "special_tokens_map.json", "chat_template.*", f"{TEMPLATES}/*")
LARGEST_OF_TOKENIZERS = 1 << 27  # bytes; the largest has a third of it, and five times as much is taken to read it
LARGEST_SETTINGS = 1 << 26  # bytes; the index of a model of a trillion parameters has a fifth of it


def require_own_files(name: str, folder: Path) -> None:
    """Refuse a folder that holds a link out of it, what is no file, or what would be loaded beside the weights."""
    require_own_entries(name, folder)
    if (folder / ADAPTER).exists():
        raise AttnvizError(
            "{name} holds an adapter ({adapter}), and --model takes a whole model",
            "give --model the model that it was trained for, and this folder to --adapter",
            name=name,
            adapter=ADAPTER,
        )


def require_own_entries(name: str, folder: Path) -> None:
    """Refuse a folder that holds a link out of it, what is no file, or a part of a training's checkpoint."""
    with file_errors(name):
        entries = [
            path for path in sorted(folder.iterdir()) if not path.name.startswith(".")
        ]  # of the others none is read
        entries += sorted((folder / TEMPLATES).iterdir()) if (folder / TEMPLATES).is_dir() else []  # all are
    for path in entries:
        _require_own(name, folder, path)
        if OF_SEVERAL_MACHINES.match(path.name):
            raise AttnvizError(
                "{name} holds {file}, a part of a training's checkpoint, which attnviz does not read",
                "load it with transformers and call model.save_pretrained(folder), or move it away",
                name=name,
                file=path.name,
            )


def weight_files(name: str, folder: Path, entry: str | None) -> list[str]:
    """The names of the files with the weights: ``entry``, where the settings name one, or what its index lists."""
    index = entry if entry and entry.endswith(".json") else INDEX
    if (folder / index).is_file():
        listed = _listed(name, folder, index)
        return [WEIGHTS] if entry is None and (folder / WEIGHTS).is_file() else listed
    return [entry or WEIGHTS]


def require_weights(name: str, folder: Path, files: list[str]) -> None:
    """Refuse a folder that lacks one of its ``files`` of weights, or keeps it closed."""
    lost = [file for file in files if not (folder / file).is_file()]
    if not lost:
        for file in files:
            require_file(folder / file)
        return
    if files != [WEIGHTS]:
        raise AttnvizError(
            "{name} lacks a part of its weights: {lost}", "download or copy it again", name=name, lost=", ".join(lost)
        )
    others = [path.name for pattern in PICKLED for path in sorted(folder.glob(pattern))]
    if others:
        raise pickled(name, others[0])
    raise AttnvizError(
        "{name} holds no weights: expected {weights}", "attnviz reads no other format", name=name, weights=WEIGHTS
    )


def read_settings(name: str, path: Path) -> dict[str, Any]:
    """What a JSON file of the model says."""
    with file_errors(path):
        size = path.stat().st_size
        content = path.read_bytes() if size <= LARGEST_SETTINGS else b""
    try:
        if size > LARGEST_SETTINGS:
            raise ValueError(
                Message("it has {size:,} bytes, more than the {most:,} of any model", size=size, most=LARGEST_SETTINGS)
            )
        settings = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise AttnvizError(
            "{file} of {name} cannot be read: {reason}",
            "copy it again",
            file=path.name,
            name=name,
            reason=one_line(error),
        ) from None
    if not isinstance(settings, dict):
        raise AttnvizError("{file} of {name} does not describe a model", "copy it again", file=path.name, name=name)
    return settings


def require_bounded_tokenizer(name: str, folder: Path) -> None:
    """Refuse a tokenizer with a file that is larger than any: libraries read it whole, and several times."""
    for path in (path for pattern in (*TOKENIZERS, *BESIDE_TOKENIZERS) for path in sorted(folder.glob(pattern))):
        with file_errors(path):
            size = path.stat().st_size if path.is_file() else 0
        if size > LARGEST_OF_TOKENIZERS:
            raise AttnvizError(
                "{file} of {name} has {size:,} bytes, more than the {most:,} of any tokenizer",
                "copy it again",
                file=path.name,
                name=name,
                size=size,
                most=LARGEST_OF_TOKENIZERS,
            )


def is_plain(file: Any, ending: str) -> bool:
    """Whether ``file`` is the name of a file of this kind, and no way to another folder."""
    return (
        isinstance(file, str)
        and file.isprintable()
        and not file.startswith(".")
        and not set(file) & set("/\\")
        and file.endswith(ending)
    )


def _listed(name: str, folder: Path, index: str) -> list[str]:
    """The files that an index of weights names, each once."""
    files = read_settings(name, folder / index).get("weight_map")
    if not isinstance(files, dict) or not files:
        raise AttnvizError(
            "{index} of {name} does not say which file holds which weights", "copy it again", index=index, name=name
        )
    for file in files.values():
        if not is_plain(file, ".safetensors"):
            raise AttnvizError(
                "{index} of {name} names {file!r:.100}: expected a .safetensors file in the same folder",
                "attnviz reads no pickles, which can run any code, and nothing outside the folder that you name",
                index=index,
                name=name,
                file=file,
            )
    names = sorted(set(files.values()))
    for file in names:
        _require_own(name, folder, folder / file)
    return names


def _require_own(name: str, folder: Path, path: Path) -> None:
    """Refuse a link that leads out of the folder, and what is neither a file nor a folder; nothing is opened."""
    real = Path(os.path.realpath(folder))
    target = Path(os.path.realpath(path))
    shared = _blobs(real)
    if path.is_symlink() and not (target.is_relative_to(real) or (shared and target.is_relative_to(shared))):
        if os.path.isdir(target) and path.name != TEMPLATES:
            return  # of the folders inside, nothing is read
        raise AttnvizError(
            "{name}: {file} is a link to {target}, and attnviz reads nothing outside the folder that you name",
            "put the file itself into the folder (cp -L copies what a link leads to), or give --model the folder it lies in",
            name=name,
            file=path.name,
            target=target,
        )
    with file_errors(path):
        mode = (
            os.stat(path).st_mode if os.path.lexists(target) else stat.S_IFREG
        )  # a dangling link is as good as no file
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise AttnvizError(
            "{name}: {file} is a pipe or a device: expected a file",
            "put the file itself there",
            name=name,
            file=path.name,
        )


def _blobs(folder: Path) -> Path | None:
    """Where the hub's library keeps what the links in models--OWNER--NAME/snapshots/REVISION lead to; None elsewhere."""
    snapshots, repository = folder.parent, folder.parent.parent
    kept = snapshots.name == "snapshots" and repository.name.startswith("models--")
    return repository / "blobs" if kept else None
