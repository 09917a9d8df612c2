"""What the plain code of a model attends to, stack by stack, for attention to be followed through it."""

from __future__ import annotations

import copy
from typing import Any

import numpy
import torch
from followed_by_hand import mixed
from watched_models import forward

from attnviz import Trace
from attnviz.trace.selection import Selection, select


def self_attending(trace: Trace) -> dict[str, Selection]:
    """The layers that attend to their own text, of each stack: one without a name, or an encoder's and a decoder's."""
    names = dict.fromkeys(layer.stack for layer in trace.layers if layer.kind == "self")
    return {name: select(trace, layer=[name] if name else []) for name in names}


def own_matrices(network: Any, given: dict[str, torch.Tensor]) -> dict[str, list[numpy.ndarray]]:
    """Of each stack, from its first layer to its last, half of what eager attention gives and half of each token itself."""

    plain = copy.deepcopy(network)
    plain.set_attn_implementation("eager")
    own = forward(plain, given, output_attentions=True)
    stacks = {"": "attentions", "encoder": "encoder_attentions", "decoder": "decoder_attentions"}
    return {
        stack: [mixed(one[0].double().numpy()) for one in own[name]] for stack, name in stacks.items() if name in own
    }
