"""A model from a folder or a Hugging Face id: its weights, its tokenizer, and a clear line for whatever is wrong.

Safe by design. All that is read lies in one folder, which is asked first: whether its files are its own (folder.py), whether
its weights are .safetensors, since a pickle can run any code when it is read, and whether its settings ask for nothing else
(settings.py). Code that a model brings along, or names, is never run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoImageProcessor, AutoProcessor, AutoTokenizer, PreTrainedModel

from attnviz.attention.arrays import torch_device
from attnviz.attention.memory import lacks_memory
from attnviz.errors import AttnvizError, UsageError
from attnviz.sources.huggingface.loading import gguf
from attnviz.sources.huggingface.loading.adapter import adapted
from attnviz.sources.huggingface.loading.errors import loading_errors, one_line, panics_told
from attnviz.sources.huggingface.loading.folder import (
    TOKENIZERS,
    require_bounded_tokenizer,
    require_own_files,
    require_weights,
    weight_files,
)
from attnviz.sources.huggingface.loading.place import fetch_weights, model_folder
from attnviz.sources.huggingface.loading.settings import read_config
from attnviz.sources.huggingface.seams import Complaint, closed, complains, first_known, prepare

IMAGE_SETTINGS = ("preprocessor_config.json", "processor_config.json")
DEVICE_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")  # accelerate's
# A class of its own for each kind, in the order of preference: the bare model has no output layer, which needs memory and
# says nothing about attention.
KINDS = ("AutoModel", "AutoModelForSeq2SeqLM", "AutoModelForCausalLM", "AutoModelForImageTextToText")


KindOf = Callable[[Any], Any]  # a configuration → the Auto class that loads its model, or an AttnvizError


def bare_kind(config: Any) -> Any:
    """The Auto class without any output layer of the model that ``config`` describes."""
    if (kind := first_known(KINDS, config)) is None:
        raise AttnvizError("transformers has no model that {kind} describes", kind=type(config).__name__)
    return kind


def load_model(
    name: str,
    device: str | None,
    dtype: str | None,
    device_map: str | None,
    kind_of: KindOf = bare_kind,
    adapter: str | None = None,
) -> PreTrainedModel:
    """The model ``name``, ready to run; AttnvizError says in one line what is missing.

    device      "auto", "cpu", "cuda", "mps", …; None is the cpu
    dtype       "float32", "bfloat16", …; None is the file's own
    device_map  "auto" spreads the weights over all devices there are, through accelerate
    adapter     the folder of an adapter that is put into it
    kind_of     says which class the model is loaded by, once its settings are read: with its language head, or without
    """
    if device_map is not None and device is not None:
        raise UsageError("--device and --device-map: give one of the two", "--device-map auto uses all devices")
    if device_map not in (None, *DEVICE_MAPS):
        raise UsageError(
            "--device-map is {device_map!r}: expected {known}", device_map=device_map, known=", ".join(DEVICE_MAPS)
        )
    options: dict[str, Any] = {"dtype": dtype or "auto"} | ({"device_map": device_map} if device_map else {})
    read = gguf.read_model if gguf.is_gguf(name) else _read_folder
    model, report = read(name, kind_of, options)
    missing = sorted(key for key in report["missing_keys"] if "pooler" not in key)
    if missing:
        of_the_head = _of_the_head(model, missing)
        raise AttnvizError(
            "{name} was saved without a language head, the part of a model that predicts tokens"
            if of_the_head
            else "{name} lacks weights: {missing}",
            "--toward TOKEN, --metric effect and generate need one: take a model that has it (Llama, Qwen, GPT-2, T5);"
            " --toward @output needs none"
            if of_the_head
            else "what is missing would be drawn at random, and the map would show nothing that was learned",
            name=name,
            missing=", ".join([*missing[:3], *(["…"] if len(missing) > 3 else [])]),
        )
    if adapter is not None:
        model = adapted(model, adapter)
    if device_map is None:
        model = model.to(torch_device(device))  # type: ignore[arg-type]  # of which its decorator makes a riddle
    result: PreTrainedModel = model.eval()
    return result


def _of_the_head(model: PreTrainedModel, missing: Collection[str]) -> bool:
    """Whether all that is ``missing`` of ``model`` stands outside of the model without its head."""
    base = {id(parameter) for parameter in model.base_model.parameters()}
    all_of_it = dict(model.named_parameters(remove_duplicate=False))
    return all(name in all_of_it and id(all_of_it[name]) not in base for name in missing)


def _read_folder(name: str, kind_of: KindOf, options: dict[str, Any]) -> tuple[PreTrainedModel, dict[str, Any]]:
    """The model in the folder or of the id ``name``, and what transformers reports of its weights."""
    folder = model_folder(name)
    settings = _require_harmless(name, folder)
    files = weight_files(name, folder, settings.get("transformers_weights"))
    fetch_weights(name, folder, files)
    require_own_files(name, folder)
    require_weights(name, folder, files)
    with loading_errors(name), closed():
        config = AutoConfig.from_pretrained(name, **_from(folder))
        prepare(config)
        model, report = kind_of(config).from_pretrained(
            name, config=config, use_safetensors=True, output_loading_info=True, **options, **_from(folder)
        )
    return model, report


def load_tokenizer(name: str) -> Any:
    """The model's tokenizer; AttnvizError where it has none, or a damaged one."""
    if gguf.is_gguf(name):
        return gguf.read_tokenizer(name)
    try:
        folder = model_folder(name)
    except AttnvizError:
        raise _no_tokenizer(name) from None  # a model that was loaded elsewhere may have any name
    require_own_files(name, folder)
    if not any(any(folder.glob(pattern)) for pattern in TOKENIZERS):
        raise _no_tokenizer(name)
    require_bounded_tokenizer(name, folder)
    read_config(name, folder)
    with loading_errors(name), closed():
        try:
            with panics_told():
                return AutoTokenizer.from_pretrained(name, **_from(folder))
        except (ImportError, AttnvizError):
            raise
        except Exception as error:
            if complains(error, Complaint.OWN_CODE) or lacks_memory(error):
                raise
            raise AttnvizError(
                "the tokenizer of {name} cannot be loaded: {reason}",
                "copy its files again, tokenizer.json first",
                name=name,
                reason=one_line(error),
            ) from None


def load_image_processor(name: str) -> Any:
    """What turns an image into the numbers that the model reads."""
    _require_folder(name)
    folder = model_folder(name)
    _require_harmless(name, folder)
    try:
        with loading_errors(name), closed():
            return AutoImageProcessor.from_pretrained(name, **_from(folder))
    except AttnvizError as error:
        if not any((folder / file).is_file() for file in IMAGE_SETTINGS):
            raise AttnvizError(
                "{name} has no {file}, so no image can be prepared",
                "put it beside config.json, as processor.save_pretrained(folder) does",
                name=name,
                file=IMAGE_SETTINGS[0],
            ) from None
        raise AttnvizError("images cannot be prepared: {reason}", error.hint, reason=error.message) from None


def load_processor(name: str) -> Any:
    """What turns a text with an image into the inputs of the model; AttnvizError where it has none, or a part is not installed."""
    _require_folder(name)
    folder = model_folder(name)
    _require_harmless(name, folder)
    require_bounded_tokenizer(name, folder)
    try:
        with closed():
            made = AutoProcessor.from_pretrained(name, **_from(folder))
    except ImportError as error:
        raise AttnvizError(
            "the processor of {name} needs torchvision, which is not installed"
            if "orchvision" in str(error)
            else "the processor of {name} cannot be loaded: {reason}",
            "pip install torchvision",
            name=name,
            reason=one_line(error),
        ) from None
    except Exception as error:
        if lacks_memory(error):
            raise
        raise AttnvizError(
            "the processor of {name} cannot be loaded: {reason}",
            "copy its files again",
            name=name,
            reason=one_line(error),
        ) from None
    if not hasattr(made, "image_processor"):
        raise AttnvizError("{name} reads no image beside a text", "leave out --image", name=name)
    return made


def _require_folder(name: str) -> None:
    """Refuse a .gguf file where an image is to be prepared."""
    if gguf.is_gguf(name):
        raise AttnvizError(
            "{name} holds no settings for images, as no .gguf file does", "take the model's folder", name=name
        )


def _require_harmless(name: str, folder: Path) -> dict[str, Any]:
    """What config.json says; AttnvizError where reading the folder could do more than read it."""
    require_own_files(name, folder)
    return read_config(name, folder)


def _from(folder: Path) -> dict[str, Any]:
    """Options by which transformers reads the folder that was asked, of an id this very revision, and runs none of its code."""
    return {"revision": folder.name, "local_files_only": True, "trust_remote_code": False}


def _no_tokenizer(name: str) -> AttnvizError:
    return AttnvizError(
        "{name} has no tokenizer, so a text cannot be cut into its tokens",
        "put tokenizer.json beside config.json, as tokenizer.save_pretrained(folder) does",
        name=name,
    )
