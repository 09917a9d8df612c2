"""A model in one .gguf file, as llama.cpp has it: numbers and names, no pickle, and nothing beside it is read.

transformers unpacks the weights, whichever of ggml's types they are packed in, and makes the tokenizer of what the file says of
its vocabulary (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
"""

from __future__ import annotations

import os
import stat
import struct
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoTokenizer, PreTrainedModel

from attnviz.attention.memory import lacks_memory
from attnviz.errors import AttnvizError
from attnviz.files import file_errors
from attnviz.sources.huggingface.loading.errors import loading_errors, one_line
from attnviz.sources.huggingface.loading.gguf_facts import block_count
from attnviz.sources.huggingface.loading.settings import require_harmless
from attnviz.sources.huggingface.seams import Complaint, closed, complains, prepare, unpacking_gguf

SUFFIX = ".gguf"
HEAD = struct.Struct("<4sIQQ")  # magic, version, how many tensors, how many facts
MAGIC = b"GGUF"
ALONE = f"model{SUFFIX}"  # how transformers sees it
MOST_A_BYTE = 16  # numbers: ggml's narrowest type has a bit and a half for each, and tied weights may count twice
READ = {"local_files_only": True, "trust_remote_code": False}


def is_gguf(name: str) -> bool:
    """Whether ``name`` means a .gguf file."""
    return name.lower().endswith(SUFFIX)


def read_model(name: str, kind_of: Any, options: Mapping[str, Any]) -> tuple[PreTrainedModel, dict[str, Any]]:
    """The model in the file ``name``, its weights unpacked, and what transformers reports of them."""
    with _alone(name) as folder, _gguf_errors(name):
        config = AutoConfig.from_pretrained(folder, gguf_file=ALONE, **READ)
        require_harmless(name, Path(name).name, config.to_dict())
        prepare(config)
        config.name_or_path = name
        kind = kind_of(config)
        _require_held(name, kind, config)
        model, report = kind.from_pretrained(
            folder, config=config, gguf_file=ALONE, output_loading_info=True, **_unpacked(), **options, **READ
        )
    for part in (model, model.config):
        part.name_or_path = name  # and not the folder, which is gone
    return model, report


def read_tokenizer(name: str) -> Any:
    """The tokenizer that the file ``name`` describes."""
    with _alone(name) as folder, _gguf_errors(name):
        return AutoTokenizer.from_pretrained(folder, gguf_file=ALONE, **READ)


@contextmanager
def _alone(name: str) -> Iterator[str]:
    """A folder in which nothing but the file ``name`` lies: beside it, there may be settings of any other model."""
    _require_readable(name)
    with tempfile.TemporaryDirectory(prefix="attnviz-") as folder:
        os.symlink(os.path.abspath(name), os.path.join(folder, ALONE))
        yield folder


def _require_readable(name: str) -> None:
    """Refuse what is no GGUF file, before transformers opens it."""
    with file_errors(name):
        if not stat.S_ISREG(os.stat(name).st_mode):
            raise AttnvizError("{name} is not a file: expected a .gguf file, or a model's folder", name=name)
        with open(name, "rb") as file:
            head = file.read(HEAD.size)
            if len(head) < HEAD.size or not head.startswith(MAGIC):
                raise AttnvizError("{name} is no GGUF file: it does not begin as one", "copy it again", name=name)
            _, _, tensors, facts = HEAD.unpack(head)
            layers = block_count(file, facts)
    # Each layer has several tensors. A configuration may list as many layers as it is told of, before any is missed.
    if layers > tensors:
        raise AttnvizError(
            "{name} says that it has {layers:,} layers, and holds {tensors:,} tensors",
            "it may be damaged or cut short: copy it again",
            name=name,
            layers=layers,
            tensors=tensors,
        )
    if find_spec("gguf") is None:
        raise AttnvizError("a .gguf file is read with gguf, which is not installed", "pip install 'attnviz[gguf]'")


def _require_held(name: str, kind: Any, config: Any) -> None:
    """Refuse a file that says to hold more numbers than it can: room would be made for all of them before one is missed."""
    with torch.device("meta"):
        asked = sum(parameter.numel() for parameter in kind.from_config(config).parameters())
    if asked > MOST_A_BYTE * os.stat(name).st_size:
        raise AttnvizError(
            "{name} says that it holds {asked:,} numbers, and is too small for them",
            "it may be damaged or cut short: copy it again",
            name=name,
            asked=asked,
        )


@contextmanager
def _gguf_errors(name: str) -> Iterator[None]:
    """What transformers raises of a .gguf file, in one line."""
    with loading_errors(name), closed(), unpacking_gguf():
        try:
            yield
        except (AttnvizError, ImportError):
            raise
        except Exception as error:  # a damaged file fails in dozens of ways
            if lacks_memory(error):
                raise
            raise _clear_error(name, error) from None


def _clear_error(name: str, error: Exception) -> AttnvizError:
    if complains(error, Complaint.GGUF_ARCHITECTURE):
        return AttnvizError(
            "{name} holds a model that transformers {version} cannot read from a .gguf file: {reason}",
            "take the model as .safetensors, or a newer transformers",
            name=name,
            version=transformers.__version__,
            reason=one_line(error),
        )
    if complains(error, Complaint.OTHER_SHAPES):
        return AttnvizError("{name} has weights of other shapes than it says", "copy it again", name=name)
    return AttnvizError(
        "{name} cannot be loaded: {reason}",
        "it may be damaged or cut short: copy it again",
        name=name,
        reason=one_line(error),
    )


def _unpacked() -> dict[str, Any]:
    """Options by which no weight stays packed: then all are numbers, and need no kernel of a hub."""
    config = getattr(transformers, "GgufConfig", None)  # versions before that have no other way
    return {} if config is None else {"quantization_config": config(dequantize=True)}
