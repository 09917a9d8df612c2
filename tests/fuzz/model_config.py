"""A model's folder, its settings and its index changed at random: it is loaded or told in one line, and nothing else is opened."""

from __future__ import annotations

import atexit
import json
import os
import pickle
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import torch
import transformers
from hypothesis import strategies as st
from tiny_models import model, saved
from transformers.integrations import hub_kernels

from attnviz import trace_model

ARCHITECTURES = ("Llama", "GPT2", "T5", "Gemma2", "GptOss", "Bert")
FILES = (
    "config.json",
    "model.safetensors.index.json",
    "tokenizer_config.json",
    "tokenizer.json",
    "generation_config.json",
)
INDEX = "model.safetensors.index.json"
NAMES = (
    "model.safetensors",
    "model-00001-of-00002.safetensors",
    "pytorch_model.bin",
    "../outside/model.safetensors",
    "../outside/pickle.bin",
    "OUTSIDE/model.safetensors",
    "link.safetensors",
    "inner/model.safetensors",
    "pipe.safetensors",
    "a\0.safetensors",
    "\ud800.safetensors",
    "..",
    "",
)
# Fields by which transformers is led to other files, other code or other models, beside those that a file has already.
FIELDS = (
    "attn_implementation",
    "_attn_implementation",
    "_attn_implementation_internal",
    "experts_implementation",
    "transformers_weights",
    "configuration_files",
    "auto_map",
    "quantization_config",
    "backbone",
    "use_timm_backbone",
    "backbone_config",
    "text_config",
    "vision_config",
    "encoder",
    "decoder",
    "model_type",
    "name_or_path",
    "_name_or_path",
    "base_model_name_or_path",
    "subfolder",
    "gguf_file",
    "tokenizer_class",
    "tokenizer_file",
    "vocab_file",
    "fast_tokenizer_files",
    "init_inputs",
    "added_tokens_decoder",
    "chat_template",
    "fusion_config",
    "per_layer_config",
    "layer_types",
    "rope_parameters",
    "dtype",
    "tp_plan",
    "custom_generate",
    "is_encoder_decoder",
    "output_attentions",
    "weight_map",
    "metadata",
)
VALUES = (
    "kernels-community/evil",
    "paged|evil/kernel:f",
    "flash_attention_2",
    "evil--module.Class",
    "owner/model",
    "llama",
    "bitsandbytes",
    "mxfp4",
    {"quant_method": "torchao"},
    {"quant_method": "fp8"},
    {"load_in_4bit": True},
    {"AutoConfig": "evil--module.Class", "AutoModel": "module.Class", "AutoTokenizer": ["module.Class", None]},
    {"model_type": "llama", "attn_implementation": "evil/kernel"},
    *NAMES,
)
SIZES = st.sampled_from([-(2**63), -1, 0, 1, 2, 3, 64, 10**5, 2**31, 2**63, 10**30])
SCALARS = st.none() | st.booleans() | SIZES | st.floats() | st.text(max_size=8) | st.sampled_from(VALUES)
ANYTHING = st.recursive(
    SCALARS,
    lambda one: (
        st.lists(one, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), one, max_size=3)
    ),
)


class Change(NamedTuple):
    """One field of one file: the ``place``-th of those at any depth, or a new one; ``value`` ... leaves it out."""

    file: str
    place: int | str
    value: Any


class Case(NamedTuple):
    """What is done to the folder of an architecture; ``raw`` replaces the content of a file."""

    architecture: str
    sharded: bool
    changes: list[Change]
    raw: tuple[str, bytes] | None
    link: tuple[str, str] | None


CHANGES = st.builds(
    Change,
    st.sampled_from(FILES) | st.just("config.json"),
    st.integers(0, 200) | st.sampled_from(FIELDS),
    ANYTHING | st.just(...) | st.dictionaries(st.text(max_size=3), st.sampled_from(NAMES), max_size=3),
)
CASES = st.builds(
    Case,
    st.sampled_from(ARCHITECTURES),
    st.booleans(),
    st.lists(CHANGES, max_size=4),
    st.none() | st.tuples(st.sampled_from(FILES), st.binary(max_size=40)),
    st.none()
    | st.tuples(
        st.sampled_from([*FILES, "model.safetensors", "vocab.txt"]), st.sampled_from(["file", "folder", "pipe", "gone"])
    ),
)


def check(case: Case) -> None:
    """The folder is loaded and read, or an AttnvizError says why not, which the harness counts; what lies beside it stays
    unopened."""
    with tempfile.TemporaryDirectory() as place:
        folder, outside = Path(place, "model"), Path(place, "outside")
        shutil.copytree(_good(case.architecture, case.sharded), folder)
        _strange(folder, outside)
        _damage(case, folder, outside)
        with _watched(outside):
            trace_model(str(folder), "Your step")


@lru_cache
def _good(architecture: str, sharded: bool) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, folder)
    saved(architecture, folder)
    if sharded:
        transformers.utils.logging.disable_progress_bar()
        (folder / "model.safetensors").unlink()
        model(architecture).save_pretrained(folder, max_shard_size="30kB")
    return folder


def _strange(folder: Path, outside: Path) -> None:
    """What nobody named: weights and a pickle beside the folder, links to them and a pipe inside it."""
    outside.mkdir()
    for name in ("model.safetensors", "pickle.bin", "config.json", "module.py"):
        (outside / name).write_bytes(b"{}")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    (folder / "module.py").write_text("raise SystemExit('code of a model is run')\n")


def _damage(case: Case, folder: Path, outside: Path) -> None:
    for change in case.changes:
        path = folder / change.file
        settings = json.loads(path.read_bytes()) if path.exists() else {"metadata": {}, "weight_map": {}}
        _change(settings, change)
        path.write_text(json.dumps(settings).replace("OUTSIDE", str(outside)))
    if case.raw is not None:
        (folder / case.raw[0]).write_bytes(case.raw[1])
    if case.link is not None:
        name, kind = case.link
        (folder / name).unlink(missing_ok=True)
        if kind == "pipe":
            os.mkfifo(folder / name)
        else:
            target = {"file": outside / "config.json", "folder": outside, "gone": outside / "gone"}[kind]
            (folder / name).symlink_to(target)


def _change(settings: dict[str, Any], change: Change) -> None:
    """Set a new field; or one that is there, of those at any depth, which stand before what lies in them."""
    holder, key = settings, change.place
    if isinstance(key, int):
        fields = list(_fields(settings)) or [(settings, "new")]
        holder, key = fields[key % len(fields)]
    if change.value is ...:
        holder.pop(key, None)
    else:
        holder[key] = change.value


def _fields(settings: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    waiting: list[Any] = [settings]
    for value in waiting:
        if isinstance(value, dict) and len(value) < 100:  # a vocabulary is no settings
            yield from ((value, key) for key in value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value[:5])


_opened: list[str] = []
_outside: list[str] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _outside and event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(_outside[0]):
        _opened.append(arguments[0])


@lru_cache
def _notes_are_taken() -> None:
    sys.addaudithook(_note)  # for ever: there is no way to remove one


@contextmanager
def _watched(outside: Path) -> Iterator[None]:
    """Fail where a pickle is read, a kernel fetched, a connection made, or what lies in ``outside`` opened."""
    happened: list[str] = []

    def happens(what: str) -> Any:
        def note(*_: Any, **__: Any) -> None:
            happened.append(what)
            raise RuntimeError(what)

        return note

    _notes_are_taken()
    for path in outside.iterdir():
        os.utime(path, (0, path.stat().st_mtime))  # who reads it, in whatever language, sets this anew
    with ExitStack() as stack:
        for owner, name, what in (
            (torch, "load", "a pickle is read"),
            (pickle, "load", "a pickle is read"),
            (pickle, "Unpickler", "a pickle is read"),
            (socket.socket, "connect", "a connection is made"),
            (hub_kernels, "get_kernel", "a kernel is fetched"),
        ):
            stack.enter_context(mock.patch.object(owner, name, happens(what)))
        _outside[:] = [str(outside)]
        stack.callback(_outside.clear)
        stack.callback(_opened.clear)
        yield
        assert not happened, happened
        assert not _opened, f"opened: {_opened}"
        read = [path.name for path in outside.iterdir() if path.stat().st_atime]
        assert not read, f"read: {read}"
