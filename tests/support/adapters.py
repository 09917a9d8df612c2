"""LoRA adapters of the tiny models, written as peft saves them, and what they make of a model by hand."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tiny_models import model
from transformers import PreTrainedModel

RANK, ALPHA = 3, 7
TARGETS = ("q_proj", "v_proj", "o_proj")


def adapter_weights(
    of: PreTrainedModel, targets: tuple[str, ...] = TARGETS, outside: str = ""
) -> dict[str, torch.Tensor]:
    """A and B of each linear map of ``of`` that is one of the ``targets``, drawn, by peft's names."""
    generator, found = torch.Generator().manual_seed(3), {}
    for name, module in of.named_modules():
        if name.rpartition(".")[2] in targets:
            out, into = module.weight.shape
            for part, shape in (("lora_A", (RANK, into)), ("lora_B", (out, RANK))):
                found[f"base_model.model.{outside}{name}.{part}.weight"] = 0.3 * torch.randn(shape, generator=generator)
    return found


def saved_adapter(folder: Path, weights: dict[str, torch.Tensor] | None = None, **settings: Any) -> Path:
    """``folder`` with an adapter of the tiny Llama, or with these ``weights``."""
    folder.mkdir(exist_ok=True)
    weights = adapter_weights(model("Llama")) if weights is None else weights
    save_file(weights, folder / "adapter_model.safetensors")
    said = {"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA, "target_modules": list(TARGETS)} | settings
    (folder / "adapter_config.json").write_text(json.dumps(said | {"base_model_name_or_path": "somebody/else"}))
    return folder


def adapted_by_hand(scale: float = ALPHA / RANK) -> PreTrainedModel:
    """The tiny Llama with W + scale · B A for each adapted W: equation 3 of Hu et al. 2021."""
    made = copy.deepcopy(model("Llama"))
    weights = adapter_weights(made)
    with torch.no_grad():
        for name, first in weights.items():
            if ".lora_A." in name:
                second = weights[name.replace("lora_A", "lora_B")]
                module = made.get_submodule(name.removeprefix("base_model.model.").partition(".lora_")[0])
                module.weight += scale * second @ first
    return made
