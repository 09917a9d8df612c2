"""A model from a folder or a Hugging Face id: its weights, its tokenizer, and a clear line for whatever is wrong.

Safe by design: weights come only from .safetensors files, since a pickle can run any code when it is read, and code that
a model brings along is never run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer, PreTrainedModel

from attnviz.attention.arrays import torch_device
from attnviz.errors import AttnvizError, UsageError
from attnviz.sources.huggingface.loading.errors import loading_errors, one_line, pickled
from attnviz.sources.huggingface.loading.hub import from_disk, is_path
from attnviz.sources.huggingface.seams import Complaint, complains, first_known

PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "vocab.*", "*.model", "*.tiktoken", "tekken.json")
DEVICE_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")  # accelerate's
# A class of its own for each kind, in the order of preference: the bare model has no output layer, which needs memory and
# says nothing about attention.
KINDS = ("AutoModel", "AutoModelForSeq2SeqLM", "AutoModelForCausalLM", "AutoModelForImageTextToText")


def load_model(name: str, device: str | None, dtype: str | None, device_map: str | None) -> PreTrainedModel:
    """The model ``name`` without its output layer, ready to run; AttnvizError says in one line what is missing.

    device      "auto", "cpu", "cuda", "mps", …; None is the cpu
    dtype       "float32", "bfloat16", …; None is the file's own
    device_map  "auto" spreads the weights over all devices there are, through accelerate
    """
    if device_map is not None and device is not None:
        raise UsageError("--device and --device-map: give one of the two", "--device-map auto uses all devices")
    if device_map not in (None, *DEVICE_MAPS):
        raise UsageError(f"--device-map is {device_map!r}: expected {', '.join(DEVICE_MAPS)}")
    config = load_config(name)
    _require_safetensors(name)
    options: dict[str, Any] = {"dtype": dtype or "auto", "local_files_only": from_disk(name)} | (
        {"device_map": device_map} if device_map else {}
    )
    with loading_errors(name):
        model, report = _kind(config).from_pretrained(
            name, config=config, use_safetensors=True, trust_remote_code=False, output_loading_info=True, **options
        )
    missing = sorted(key for key in report["missing_keys"] if "pooler" not in key)
    if missing:
        raise AttnvizError(
            f"{name} lacks weights: {', '.join(missing[:3])}{', …' if len(missing) > 3 else ''}",
            "what is missing would be drawn at random, and the map would show nothing that was learned",
        )
    if device_map is None:
        model = model.to(torch_device(device))
    result: PreTrainedModel = model.eval()
    return result


def load_config(name: str) -> Any:
    """What the model says of itself."""
    if not name:
        raise UsageError("the model's name is empty", "give a folder, or an id of the Hugging Face hub")
    if is_path(name) and not Path(name).is_dir():
        there = Path(name).exists()
        raise AttnvizError(f"{name} {'is a file' if there else 'does not exist'}: expected a folder with config.json")
    if Path(name).is_dir() and not (Path(name) / "config.json").is_file():
        raise AttnvizError(f"{name} holds no config.json: it is not a model's folder")
    if Path(name).is_dir():
        _require_settings(name, Path(name) / "config.json")
    with loading_errors(name):
        return AutoConfig.from_pretrained(name, trust_remote_code=False, local_files_only=from_disk(name))


def load_tokenizer(name: str) -> Any:
    """The model's tokenizer; AttnvizError where it has none, or a damaged one."""
    folder = Path(name)
    if folder.is_dir() and not any(any(folder.glob(pattern)) for pattern in TOKENIZERS):
        raise _no_tokenizer(name)
    with loading_errors(name):
        try:
            return AutoTokenizer.from_pretrained(name, trust_remote_code=False, local_files_only=from_disk(name))
        except (ImportError, AttnvizError):
            raise
        except Exception as error:
            if complains(error, Complaint.OWN_CODE):
                raise
            if isinstance(error, OSError) and not folder.is_dir():
                raise _no_tokenizer(name) from None
            raise AttnvizError(
                f"the tokenizer of {name} cannot be loaded: {one_line(error)}",
                "copy its files again, tokenizer.json first",
            ) from None


def load_image_processor(name: str) -> Any:
    """What turns an image into the numbers that the model reads."""
    try:
        with loading_errors(name):
            return AutoImageProcessor.from_pretrained(name, trust_remote_code=False, local_files_only=from_disk(name))
    except AttnvizError as error:
        raise AttnvizError(f"images cannot be prepared: {error.message}", error.hint) from None


def _no_tokenizer(name: str) -> AttnvizError:
    return AttnvizError(
        f"{name} has no tokenizer, so a text cannot be cut into its tokens",
        "put tokenizer.json beside config.json, as tokenizer.save_pretrained(folder) does",
    )


def _require_settings(name: str, path: Path) -> None:
    try:
        settings = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise AttnvizError(f"config.json of {name} cannot be read: {one_line(error)}", "copy it again") from None
    if not isinstance(settings, dict):
        raise AttnvizError(f"config.json of {name} does not describe a model", "copy it again")


def _kind(config: Any) -> Any:
    if (kind := first_known(KINDS, config)) is None:
        raise AttnvizError(f"transformers has no model that {type(config).__name__} describes")
    return kind


def _require_safetensors(name: str) -> None:
    folder = Path(name)
    if not folder.is_dir():
        return
    if lost := _lost_shards(folder):
        raise AttnvizError(f"{name} lacks a part of its weights: {', '.join(lost)}", "download or copy it again")
    if any(folder.glob("*.safetensors")):
        return
    others = [path.name for pattern in PICKLED for path in sorted(folder.glob(pattern))]
    if not others:
        raise AttnvizError(f"{name} holds no weights: expected model.safetensors")
    raise pickled(name, others[0])


def _lost_shards(folder: Path) -> list[str]:
    """The files that the index of the weights names, and that are not there."""
    try:
        index = json.loads((folder / "model.safetensors.index.json").read_bytes())
        names = sorted(set(index["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return [name for name in names if not (folder / str(name)).is_file()]
