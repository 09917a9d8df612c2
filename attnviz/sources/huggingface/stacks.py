"""Where an attention layer stands in a model: in which stack, and as which of its layers."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel

from attnviz.sources.huggingface.module_calls import ATTENDS
from attnviz.sources.huggingface.seams import eager_attention

CROSS = re.compile(r"cross|enc_?dec|encoder_att", re.IGNORECASE)  # crossattention, EncDecAttention, encoder_attn
# The towers of a model that reads more than text, in the words of transformers' modules.
TOWER_WORDS = {
    "vision": re.compile(r"vision|visual|image", re.IGNORECASE),
    "audio": re.compile(r"audio|speech|sound", re.IGNORECASE),
    "connector": re.compile(r"connector|projector|resampler|perceiver|qformer|bridge", re.IGNORECASE),
}


class LayerAddress(NamedTuple):
    """Where an attention module stands in its model.

    path   of the module in the model
    stack  "encoder", "decoder", "cross", a tower; "" where the model has only one, and for its text
    number of its layer in the stack; None where nothing tells
    """

    path: str
    stack: str = ""
    number: int | None = None

    def name_and_kind(self, number: int) -> tuple[str, str]:
        """What the layer of this ``number`` is called in a trace, and whether it attends to itself or to another text."""
        return f"{self.stack} {number}" if self.stack else "", "cross" if self.stack == "cross" else "self"


def layer_addresses(model: PreTrainedModel) -> dict[int, LayerAddress]:
    """The address of every module of ``model``, by the module's identity."""
    return {id(module): _address(model, module, path) for path, module in model.named_modules()}


def known_layers(model: PreTrainedModel) -> list[tuple[str, int]] | None:
    """The layers, (stack, number) each, that will run whatever ``model`` reads; None where only a run can tell.

    That is so where layers share their weights (ALBERT), attend in only some layers or in ways of their own (Jamba, XLNet),
    or belong to towers, which run only if there is an image or a sound; and where stages of a model hold several each (Swin).
    """
    if hasattr(model.config, "depths"):
        return None
    addresses = layer_addresses(model)
    attending = [module for module in model.modules() if ATTENDS.search(type(module).__name__)]
    found = {(addresses[id(module)].stack, addresses[id(module)].number): None for module in attending}
    known = [(stack, number) for stack, number in found if number is not None and stack not in TOWER_WORDS]
    if len(known) != len(found) or len(known) != layer_count(model.config):
        return None
    return known if all(eager_attention(module) for module in attending) else None


def layer_count(config: Any) -> int | None:
    """How many attention layers there will be by what a model says of itself; None where it says nothing."""
    decoder = getattr(config, "decoder_layers", getattr(config, "num_decoder_layers", None))
    layers: int | None = getattr(config.get_text_config(), "num_hidden_layers", None)
    return layers if decoder is None or layers is None else layers + 2 * int(decoder)


def _address(model: PreTrainedModel, module: torch.nn.Module, path: str) -> LayerAddress:
    return LayerAddress(path, _stack(model, module, path), _number(model, path))


def _stack(model: PreTrainedModel, module: torch.nn.Module, path: str) -> str:
    several = hasattr(model.config, "text_config") or hasattr(model.config, "audio_config")
    tower = next((name for name, words in TOWER_WORDS.items() if several and words.search(path)), "")
    if tower:
        return tower
    if CROSS.search(path) or getattr(module, "is_cross_attention", False):
        return "cross"
    if getattr(model.config, "is_encoder_decoder", False):
        return "decoder" if "decoder" in path else "encoder"
    return ""


def _number(model: torch.nn.Module, path: str) -> int | None:
    """The number that follows the first list of modules in ``path``: other digits in it are parts of names."""
    module = model
    for name in path.split(".") if path else ():
        if isinstance(module, torch.nn.ModuleList):
            return int(name)
        module = getattr(module, name)
    return None
