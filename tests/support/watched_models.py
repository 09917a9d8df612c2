"""Tiny models, what they compute when nobody watches, and more of them."""

from __future__ import annotations

import copy

import torch
import transformers
from tiny_models import CONFIGS, LAYERS, VOCABULARY

NAMES = [name for name in CONFIGS if name != "XLNet"]


PLAIN_CODE = ("Gemma2", "GptOss", "Splinter", "NllbMoe")  # transformers gives these no sdpa


DECODERS = ["Llama", "Mistral", "Gemma2", "GptOss", "GPT2"]


def forward(network, given, **options):
    with torch.inference_mode():
        return network(**given, **options)


def eager_attentions(network, given) -> list[torch.Tensor]:
    """The attentions of the model's own plain code, in the order of a trace's layers."""
    network = copy.deepcopy(network)
    network.set_attn_implementation("eager")
    outputs = forward(network, given, output_attentions=True)
    stacks = ("attentions", "encoder_attentions", "decoder_attentions", "cross_attentions")
    return [layer[0] for stack in stacks for layer in outputs.get(stack) or ()]


def made(config: transformers.PreTrainedConfig, kind: type = transformers.AutoModel) -> torch.nn.Module:
    torch.manual_seed(0)
    return kind.from_config(config).eval()


def clip() -> torch.nn.Module:
    text = {**LAYERS, "vocab_size": VOCABULARY, "max_position_embeddings": 40, "eos_token_id": 5}
    vision = {**LAYERS, "image_size": 32, "patch_size": 8}
    return made(transformers.CLIPConfig(text_config=text, vision_config=vision))
