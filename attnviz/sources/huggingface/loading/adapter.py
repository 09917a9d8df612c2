"""An adapter put into a loaded model: LoRA, as peft saves it (Hu et al. 2021, 2106.09685).

The folder is a stranger's, so nothing of it is taken but numbers: its settings say how these are meant (rank, scale, which
variant of LoRA), and may ask for nothing else; the weights are .safetensors. To which of the model's modules they belong is
read from their names, whether the model has its language head or not.
"""

from __future__ import annotations

import stat
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from attnviz.attention.memory import lacks_memory
from attnviz.errors import AttnvizError
from attnviz.files import file_errors, require_file
from attnviz.sources.huggingface.loading.errors import one_line, pickled, silence
from attnviz.sources.huggingface.loading.folder import ADAPTER, read_settings, require_own_entries
from attnviz.sources.huggingface.seams import closed

WEIGHTS, PICKLE = "adapter_model.safetensors", "adapter_model.bin"
LORA = "LORA"
# How the numbers are meant. What else the settings hold says how they were trained.
MEANT = (
    "r",
    "lora_alpha",
    "rank_pattern",
    "alpha_pattern",
    "use_rslora",
    "use_dora",
    "fan_in_fan_out",
    "bias",
    "lora_bias",
)
# Fields by which an adapter changes a model in a way that is not read here, and would be left out without a word.
UNREAD = (
    "layer_replication",
    "target_parameters",
    "trainable_token_indices",
    "megatron_config",
    "arrow_config",
    "alora_invocation_tokens",
)
OUTSIDE = "base_model.model."  # before the name of each module of the model


def adapted(model: PreTrainedModel, folder: str) -> PreTrainedModel:
    """``model`` with the adapter in ``folder``: its weights are changed for good; where they are packed, it stands beside them.

    AttnvizError says in one line what is wrong with the folder, or that the adapter is another model's.
    """
    settings = _settings(folder)
    if find_spec("peft") is None:
        raise AttnvizError("--adapter needs peft, which is not installed", "pip install 'attnviz[adapters]'")
    with _adapter_errors(folder), silence(), closed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft and transformers warn each other of what is to change
        named = _named_for(model, folder, _weights(folder))
        return _put_in(model, folder, settings, named)


def _settings(folder: str) -> dict[str, Any]:
    """What adapter_config.json says; AttnvizError where it is none, or no LoRA's."""
    place = Path(folder)
    with file_errors(folder):
        if not stat.S_ISDIR(place.stat().st_mode):
            raise AttnvizError("{folder} is a file: expected the folder of an adapter", folder=folder)
    require_own_entries(folder, place)
    if not (place / ADAPTER).is_file():
        raise AttnvizError("{folder} holds no {adapter}: it is not an adapter's folder", folder=folder, adapter=ADAPTER)
    settings = read_settings(folder, place / ADAPTER)
    if (kind := settings.get("peft_type")) != LORA:
        raise AttnvizError(
            "the adapter in {folder} is of the kind {kind!r:.40}: attnviz puts in LoRA alone",
            "with peft, call model.merge_and_unload() and save_pretrained(folder), and give that folder to --model",
            folder=folder,
            kind=kind,
        )
    for field in UNREAD:
        if settings.get(field):
            raise AttnvizError(
                "the adapter in {folder} has {field}, which attnviz does not put in",
                "with peft, call model.merge_and_unload() and save_pretrained(folder), and give that folder to --model",
                folder=folder,
                field=field,
            )
    return settings


def _weights(folder: str) -> dict[str, Any]:
    """The adapter's arrays, by their names."""
    from safetensors.torch import load_file

    path = Path(folder) / WEIGHTS
    if not path.is_file():
        if (path.parent / PICKLE).exists():
            raise pickled(folder, PICKLE)
        raise AttnvizError("{folder} holds no {weights}", "copy it again", folder=folder, weights=WEIGHTS)
    require_file(path)
    return load_file(path)


def _named_for(model: PreTrainedModel, folder: str, weights: Mapping[str, Any]) -> dict[str, Any]:
    """``weights`` by the names that the modules have in ``model``; those of an output layer that it lacks are left out."""
    modules = {name for name, _ in model.named_modules()}
    prefix = f"{model.base_model_prefix}."
    found, lost = {}, []
    for name, array in weights.items():
        own = name.removeprefix(OUTSIDE)
        ways = (own, own.removeprefix(prefix), prefix + own)
        way = next((way for way in ways if _module_of(way) in modules), None)
        if way is not None:
            found[OUTSIDE + way] = array
        else:
            lost.append(own)
    inside = [name for name in lost if name.startswith(prefix) or not found]
    if inside or not found:
        raise AttnvizError(
            "the adapter in {folder} belongs to another model: this one has no {module:.100}",
            "give --model the model that it was trained for",
            folder=folder,
            module=_module_of(inside[0]) if inside else "",
        )
    return found


def _module_of(name: str) -> str:
    """The module that an array belongs to: "layers.0.self_attn.q_proj" of "….q_proj.lora_A.weight"."""
    inner, lora, _ = name.partition(".lora_")
    return inner if lora else name.rpartition(".")[0]


def _put_in(
    model: PreTrainedModel, folder: str, settings: Mapping[str, Any], weights: Mapping[str, Any]
) -> PreTrainedModel:
    from peft import LoraConfig, PeftModel, set_peft_model_state_dict

    modules = sorted({_module_of(name).removeprefix(OUTSIDE) for name in weights if ".lora_" in name})
    saved = sorted(
        {
            _module_of(name).removeprefix(OUTSIDE)
            for name in weights
            if ".lora_" not in name and not name.endswith(".bias")
        }
    )
    meant = {field: settings[field] for field in MEANT if settings.get(field) is not None}
    config = LoraConfig(
        target_modules=modules, modules_to_save=saved or None, init_lora_weights=False, inference_mode=True, **meant
    )
    packed = getattr(model, "hf_quantizer", None) is not None and bool(getattr(model, "is_quantized", False))
    both = PeftModel(model, config, autocast_adapter_dtype=False)
    result: Any = set_peft_model_state_dict(both, dict(weights))
    lost = [name for name in result.missing_keys if ".lora_" in name] + list(result.unexpected_keys)
    if lost:
        raise AttnvizError(
            "{folder} lacks a part of its adapter, or has one too many: {lost:.100}",
            "copy it again",
            folder=folder,
            lost=lost[0],
        )
    both.eval()
    merged: Any = both.base_model.model if packed else both.merge_and_unload(safe_merge=True)
    return merged  # type: ignore[no-any-return]


@contextmanager
def _adapter_errors(folder: str) -> Iterator[None]:
    """What peft and safetensors raise of an adapter, in one line."""
    try:
        yield
    except AttnvizError:
        raise
    except Exception as error:  # a damaged adapter fails in dozens of ways
        if lacks_memory(error):
            raise AttnvizError(
                "not enough memory for the adapter in {folder}", "give --dtype bfloat16", folder=folder
            ) from None
        if "size mismatch" in str(error):
            raise AttnvizError(
                "the adapter in {folder} belongs to another model: its weights have other shapes",
                "give --model the model that it was trained for",
                folder=folder,
            ) from None
        raise AttnvizError(
            "the adapter in {folder} cannot be put in: {reason}",
            "it may be damaged or cut short: copy it again",
            folder=folder,
            reason=one_line(error),
        ) from None
