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


class LayerAddresses:
    """The addresses of a model's modules, each worked out when it is asked for: of hundreds of modules only a few attend."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._modules = dict(model.named_modules())
        self._paths = {id(module): path for path, module in self._modules.items()}
        self._known: dict[str, LayerAddress] = {}

    def of(self, module: torch.nn.Module) -> LayerAddress:
        """That of ``module``; of one that is no part of the model its class's name alone."""
        path = self._paths.get(id(module))
        return LayerAddress(type(module).__name__) if path is None else self.at(path)

    def at(self, path: str) -> LayerAddress:
        """That of the module at ``path``; where there is none, the path alone."""
        module = self._modules.get(path)
        if module is None:
            return LayerAddress(path)
        if path not in self._known:
            self._known[path] = LayerAddress(path, _stack(self._model, module, path), _number(self._model, path))
        return self._known[path]


def known_layers(model: PreTrainedModel) -> list[tuple[str, int]] | None:
    """The layers, (stack, number) each, that will run whatever ``model`` reads; None where only a run can tell.

    That is so where layers share their weights (ALBERT), attend in only some layers or in ways of their own (Jamba, XLNet),
    or belong to towers, which run only if there is an image or a sound; and where stages of a model hold several each (Swin).
    """
    if hasattr(model.config, "depths"):
        return None
    addresses = LayerAddresses(model)
    attending = [module for module in model.modules() if ATTENDS.search(type(module).__name__)]
    found = {(address.stack, address.number): None for address in map(addresses.of, attending)}
    known = [(stack, number) for stack, number in found if number is not None and stack not in TOWER_WORDS]
    if len(known) != len(found) or len(known) != layer_count(model.config):
        return None
    return known if all(eager_attention(module) for module in attending) else None


def layer_count(config: Any) -> int | None:
    """How many attention layers there will be by what a model says of itself; None where it says nothing."""
    decoder = getattr(config, "decoder_layers", getattr(config, "num_decoder_layers", None))
    layers: int | None = getattr(config.get_text_config(), "num_hidden_layers", None)
    return layers if decoder is None or layers is None else layers + 2 * int(decoder)


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


def layer_module(model: torch.nn.Module, path: str) -> torch.nn.Module | None:
    """The module of the first list in ``path``, which is the layer as a whole; None where there is no list."""
    found = _in_list(model, path)
    return None if found is None else found[1]


def _number(model: torch.nn.Module, path: str) -> int | None:
    """The number that follows the first list of modules in ``path``: other digits in it are parts of names."""
    found = _in_list(model, path)
    return None if found is None else found[0]


def _in_list(model: torch.nn.Module, path: str) -> tuple[int, torch.nn.Module] | None:
    module = model
    for name in path.split(".") if path else ():
        if isinstance(module, torch.nn.ModuleList):
            return int(name), module[int(name)]
        module = getattr(module, name)
    return None
