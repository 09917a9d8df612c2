"""From what a model's attention is given to the Rule that says the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Any

import torch

from attnviz.attention.arrays import like
from attnviz.attention.rule import Rule
from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.recording.rule_from_mask import MaskInRule, distance_bias, mask_in_rule


class OncePerTensor:
    """What is made of tensors that several layers share (masks, biases), made once.

    Each tensor is kept, so that its address stays its own.

    rules  of calls that are alike (attention_call.py)
    """

    def __init__(self) -> None:
        self._made: dict[Any, tuple[torch.Tensor, Any]] = {}
        self.rules: dict[Hashable, Rule] = {}

    def __call__(self, tensor: torch.Tensor, make: Callable[[torch.Tensor], Any]) -> Any:
        """``make(tensor)``, the same for all who hand over this tensor and this function."""
        address = (make, tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.device)
        if address not in self._made:
            self._made[address] = (tensor, make(tensor))
        return self._made[address][1]


def call_rule(call: AttentionCall, once: OncePerTensor) -> Rule:
    """The rule of one call; what is read of its masks is read ``once``, and calls that are alike have one rule."""
    alike = call.alike
    if alike is None:
        return _rule(call, once)
    if alike not in once.rules:
        once.rules[alike] = _rule(call, once)
    return once.rules[alike]


def _rule(call: AttentionCall, once: OncePerTensor) -> Rule:
    seen = MaskInRule(call.is_causal) if call.mask is None else once(call.mask, _mask_of_batch)
    window = call.options.get("sliding_window")
    if call.mask is None and seen.causal and isinstance(window, int) and window >= call.queries:
        seen = seen._replace(window=window)  # longer than the text: no mask is made, and nothing is hidden by it
    scale = call.options.get("scaling")
    if scale is not None and math.isclose(scale, 1 / math.sqrt(call.query.shape[-1]), rel_tol=1e-9):
        scale = None
    sinks = call.options.get("s_aux")
    return Rule(
        scale=scale,
        causal=seen.causal,
        query_offset=0 if call.queries != call.keys and (seen.causal or seen.window) else None,
        window=seen.window,
        softcap=call.options.get("softcap"),
        mask=seen.mask,
        bias=_bias(seen.bias, call.options.get("position_bias"), once),
        sinks=None if sinks is None else sinks.detach(),
    )


def _bias(bias: Any, position_bias: torch.Tensor | None, once: OncePerTensor) -> Any:
    """What is added to the scores: by the mask, and by the positions."""
    own = None if position_bias is None else once(position_bias, _distance_bias_of_batch)
    if bias is None or own is None:
        return own if bias is None else bias
    return bias + like(bias, own)


def _mask_of_batch(mask: torch.Tensor) -> MaskInRule:
    return mask_in_rule(mask[0])


def _distance_bias_of_batch(bias: torch.Tensor) -> Any:
    return distance_bias(bias[0])
