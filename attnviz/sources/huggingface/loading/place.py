"""The folder that a model's name means: the one of that name, or the one in which the hub's library keeps what it fetched."""

from __future__ import annotations

import errno
import glob
import os
import stat
from functools import lru_cache
from pathlib import Path

from huggingface_hub import constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

from attnviz.errors import AttnvizError, UsageError
from attnviz.sources.huggingface.loading.errors import loading_errors
from attnviz.sources.huggingface.loading.hub import can_be_asked, is_path
from attnviz.text.message import Message

# What is fetched of a model before its weights: what transformers may read of it, and no pickle.
SMALL = ("*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken", "*.codes", "*.bpe", "*.tokenizer")
NESTED = ("[!a]*/*", "a/*", "a[!d]*/*")  # all folders inside but additional_chat_templates
LONGEST_NAME = 200  # as an error shows it


def model_folder(name: str) -> Path:
    """The folder that ``name`` means, without the weights where it is an id; AttnvizError says in one line why there is none."""
    if not name:
        raise UsageError("the model's name is empty", "give a folder, or an id of the Hugging Face hub")
    if (folder := _on_disk(name)) is not None:
        return folder
    return _snapshot(name, constants.HF_HUB_CACHE)


def fetch_weights(name: str, folder: Path, files: list[str]) -> None:
    """Fetch the weights of an id; of a folder nothing is fetched."""
    if folder == Path(name) or not can_be_asked() or all((folder / file).is_file() for file in files):
        return
    patterns = [glob.escape(file) for file in files]
    with loading_errors(name):
        snapshot_download(name, revision=folder.name, allow_patterns=patterns)


def _on_disk(name: str) -> Path | None:
    """The folder called ``name``; None where it can only be an id of the hub."""
    short = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    try:
        mode = os.stat(name).st_mode
    except ValueError:  # a NUL, or half of a surrogate pair: no file can be called so
        raise AttnvizError(
            "{short} cannot be the name of a folder", "give a folder, or an id of the hub", short=short
        ) from None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.ELOOP):
            raise AttnvizError(
                "{short}: {reason}", short=short, reason=Message(os.strerror(error.errno).lower())
            ) from None
        if is_path(name) or error.errno == errno.ENAMETOOLONG:
            hint = "~ is the shell's: leave out the quotes" if name.startswith("~") else ""
            raise AttnvizError(
                "{short} does not exist: expected a folder with config.json", hint, short=short
            ) from None
        return None
    if not stat.S_ISDIR(mode):
        raise AttnvizError("{short} is a file: expected a .gguf file, or a folder with config.json", short=short)
    return Path(name)


@lru_cache
def _snapshot(name: str, cache: str) -> Path:
    """What is kept of the model ``name`` in ``cache``, brought up to date where the hub can be asked; once in a process."""
    with loading_errors(name):
        try:
            if can_be_asked():
                try:
                    return Path(
                        snapshot_download(name, cache_dir=cache, allow_patterns=[*SMALL], ignore_patterns=[*NESTED])
                    )
                except LocalEntryNotFoundError:
                    pass  # the hub does not answer; what was fetched before may be enough
            return Path(hf_hub_download(name, "config.json", cache_dir=cache, local_files_only=True)).parent
        except HFValidationError:
            raise AttnvizError(
                "{name} is neither a folder here nor an id of the Hugging Face hub, which is OWNER/MODEL",
                "check its spelling",
                name=name,
            ) from None
