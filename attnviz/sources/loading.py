"""A model from a folder or a Hugging Face id: its weights, its tokenizer, and a clear line for whatever is wrong.

Safe by design: weights come from .safetensors files alone, since a pickle can run any code when it is read, and code that
a model brings along is never run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import transformers
from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer, PreTrainedModel

from attnviz.arrays import torch_device
from attnviz.errors import AttnvizError, UsageError

PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "vocab.*", "*.model", "*.tiktoken", "tekken.json")
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
        raise UsageError("--device and --device-map: give one of the two", "--device-map auto uses all that there are")
    config = load_config(name)
    _require_safetensors(name)
    options: dict[str, Any] = {"dtype": dtype or "auto"} | ({"device_map": device_map} if device_map else {})
    with _refusals(name), _silence():
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
    if _is_path(name) and not Path(name).is_dir():
        there = Path(name).exists()
        raise AttnvizError(f"{name} {'is a file' if there else 'does not exist'}: expected a folder with config.json")
    if Path(name).is_dir() and not (Path(name) / "config.json").is_file():
        raise AttnvizError(f"{name} holds no config.json: it is not a model's folder")
    with _refusals(name), _silence():
        return AutoConfig.from_pretrained(name, trust_remote_code=False)


def load_tokenizer(name: str) -> Any:
    """The model's tokenizer; AttnvizError where it has none."""
    folder = Path(name)
    none = AttnvizError(
        f"{name} has no tokenizer, so a text cannot be cut into its tokens",
        "put tokenizer.json beside config.json, as tokenizer.save_pretrained(folder) does",
    )
    if folder.is_dir() and not any(any(folder.glob(pattern)) for pattern in TOKENIZERS):
        raise none
    try:
        with _silence():
            return AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, ImportError):
        raise none from None


def load_image_processor(name: str) -> Any:
    """What turns an image into the numbers that the model reads."""
    try:
        with _silence():
            return AutoImageProcessor.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise AttnvizError(f"{name} cannot prepare an image: {_line(error)}") from None


def _kind(config: Any) -> Any:
    for kind in KINDS:
        auto = getattr(transformers, kind)
        if type(config) in auto._model_mapping:
            return auto
    raise AttnvizError(f"transformers has no model that {type(config).__name__} describes")


def _require_safetensors(name: str) -> None:
    folder = Path(name)
    if not folder.is_dir() or any(folder.glob("*.safetensors")):
        return
    pickled = [path.name for pattern in PICKLED for path in sorted(folder.glob(pattern))]
    if not pickled:
        raise AttnvizError(f"{name} holds no weights: expected model.safetensors")
    raise _pickled(name, pickled[0])


def _pickled(name: str, file: str) -> AttnvizError:
    return AttnvizError(
        f"{name} has its weights in {file} only, and attnviz reads .safetensors alone: "
        "a pickle can run any code when it is loaded",
        "where you trust it: load it with transformers and model.save_pretrained(folder), which writes safetensors",
    )


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    """Turn what transformers raises for a model it cannot load into one line."""
    try:
        yield
    except AttnvizError:
        raise
    except Exception as error:  # a model fails to load in dozens of ways: OSError, ValueError, SafetensorError, …
        raise _refusal(name, error) from None


def _refusal(name: str, error: Exception) -> AttnvizError:
    text = str(error)
    if "trust_remote_code" in text or "custom code" in text:
        return AttnvizError(
            f"{name} brings code of its own, which attnviz never runs", "only architectures of transformers"
        )
    if "does not recognize this architecture" in text or "Unrecognized model" in text:
        version = transformers.__version__
        return AttnvizError(
            f"{name} is of an architecture that transformers {version} does not know", "pip install -U transformers"
        )
    if "mismatched" in text:
        return AttnvizError(f"{name} has weights of other shapes than its config.json says", "copy both files again")
    if "safetensors" in text and isinstance(error, OSError):
        return _pickled(name, "another format")
    if isinstance(error, OSError) and not Path(name).is_dir():
        return _not_found(name, text)
    if isinstance(error, ImportError):
        return AttnvizError(f"{name}: {_line(error)}", "pip install 'attnviz[models]'")
    return AttnvizError(f"{name} cannot be loaded: {_line(error)}", "it may be damaged or cut short: copy it again")


def _not_found(name: str, text: str) -> AttnvizError:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return AttnvizError(
            f"{name} is no folder here, and HF_HUB_OFFLINE keeps attnviz from looking for it on the Hugging Face hub",
            "give a folder, download it beforehand (hf download), or unset HF_HUB_OFFLINE",
        )
    if "couldn't connect" in text.lower():
        return AttnvizError(
            f"{name} is no folder here, and the Hugging Face hub cannot be reached", "give a folder, or go online"
        )
    return AttnvizError(
        f"{name} is neither a folder here nor a model that the Hugging Face hub shows you",
        "check its spelling; a private model needs hf auth login",
    )


def _is_path(name: str) -> bool:
    """Whether ``name`` can only mean a place on this machine: an id is owner/model or model."""
    return Path(name).is_absolute() or name.startswith((".", "~")) or name.count("/") > 1 or Path(name).is_file()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


@contextmanager
def _silence() -> Iterator[None]:
    """transformers neither warns nor draws bars of its own meanwhile."""
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
