"""Watching a model's attention through transformers' own extension point, AttentionInterface.

The model runs as it always does, its kernel computes the output; on the way, query, key and value (after rotary
embedding, heads still grouped) and all that is done to the scores are kept for the layers that are asked for.
https://huggingface.co/docs/transformers/attention_interface
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import sdpa_mask

from attnviz.arrays import like
from attnviz.attention import Rule
from attnviz.errors import AttnvizError
from attnviz.sources.agreement import require_agreement
from attnviz.sources.kernels import attention_output, is_causal
from attnviz.sources.masks import Visibility, distance_bias, visibility
from attnviz.trace import RULE_ARRAYS, Layer

NAME = "attnviz"
CROSS = re.compile(r"cross|enc_?dec|encoder_att", re.IGNORECASE)  # crossattention, EncDecAttention, encoder_attn
VISION = re.compile(r"vision|visual|image", re.IGNORECASE)

Wanted = Callable[[str, int], bool]  # (stack, index) → whether that layer is kept


@dataclass
class Watch:
    """What one forward pass left of the layers that are wanted.

    layers  on the CPU, in the order in which they ran, still without tokens
    errors  how far each of them is from the model's own output (see agreement.py)
    seen    stack and index of every layer that ran, wanted or not
    """

    model: PreTrainedModel
    wanted: Wanted
    progress: Callable[[int], None]
    implementations: dict[int, str] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    seen: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._paths = {id(module): path for path, module in self.model.named_modules()}
        self._several = bool(getattr(self.model.config, "is_encoder_decoder", False))
        # Masks are shared by layers: each is put into words once. The tensor is kept, so that its address stays its own.
        self._known: dict[Any, tuple[torch.Tensor, Any]] = {}

    def attention(
        self,
        module: torch.nn.Module,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor | None,
        options: dict[str, Any],
    ) -> torch.Tensor:
        """What the model's own kernel computes, and the layer is kept on the way if it is wanted."""
        implementation = self.implementations.get(id(getattr(module, "config", None)))
        output = attention_output(implementation, module, query, key, value, mask, options)
        stack, index, path = self._place(module)
        self.seen.append((stack, index))
        self.progress(len(self.seen))
        if self.wanted(stack, index):
            name = f"{stack} {index}" if stack else ""
            if query.shape[0] != 1:
                raise AttnvizError(f"{path} reads {query.shape[0]} texts at once: give one")
            rule = self._rule(module, query, key, mask, options)
            kind = "cross" if stack == "cross" else "self"
            layer = Layer(query[0], key[0], value[0], rule, index, name, kind)
            self.errors.append(require_agreement(layer, output[0]))
            self.layers.append(_on_cpu(layer))
        return output

    def _place(self, module: torch.nn.Module) -> tuple[str, int, str]:
        """The stack of a layer ("" where the model has one), its number in it, and its path in the model."""
        path = self._paths.get(id(module), type(module).__name__)
        stack = self._stack(module, path)
        taken = [index for name, index in self.seen if name == stack]
        number = re.search(r"\d+", path)
        index = int(number[0]) if number else len(taken)
        return stack, (index if index not in taken else max(taken) + 1), path  # layers of shared weights run again

    def _stack(self, module: torch.nn.Module, path: str) -> str:
        if CROSS.search(path) or getattr(module, "is_cross_attention", False):
            return "cross"
        if self._several:
            return "decoder" if "decoder" in path else "encoder"
        return "vision" if VISION.search(path) and hasattr(self.model.config, "text_config") else ""

    def _rule(
        self,
        module: torch.nn.Module,
        query: torch.Tensor,
        key: torch.Tensor,
        mask: torch.Tensor | None,
        options: dict[str, Any],
    ) -> Rule:
        queries, keys, dimension = query.shape[-2], key.shape[-2], query.shape[-1]
        seen = Visibility(is_causal(module, queries, mask, options)) if mask is None else self._visibility(mask)
        bias, position_bias = seen.bias, options.get("position_bias")
        if position_bias is not None:
            own = self._once(position_bias, lambda: distance_bias(position_bias[0]))
            bias = own if bias is None else bias if own is None else bias + like(bias, own)
        window = options.get("sliding_window")
        if mask is None and seen.causal and isinstance(window, int) and window >= queries:
            seen = seen._replace(window=window)  # longer than the text: no mask is made, and nothing is hidden by it
        scale = options.get("scaling")
        if scale is not None and math.isclose(scale, 1 / math.sqrt(dimension), rel_tol=1e-9):
            scale = None
        return Rule(
            scale=scale,
            causal=seen.causal,
            query_offset=0 if queries != keys and (seen.causal or seen.window) else None,
            window=seen.window,
            softcap=options.get("softcap"),
            mask=seen.mask,
            bias=bias,
            sinks=None if (sinks := options.get("s_aux")) is None else sinks.detach(),
        )

    def _visibility(self, mask: torch.Tensor) -> Visibility:
        return self._once(mask, lambda: visibility(mask[0]))  # type: ignore[no-any-return]

    def _once(self, tensor: torch.Tensor, words: Callable[[], Any]) -> Any:
        """``words()`` of ``tensor``, the same for all layers that share it."""
        address = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.device)
        if address not in self._known:
            self._known[address] = (tensor, words())
        return self._known[address][1]


_watch: ContextVar[Watch | None] = ContextVar("attnviz_watch", default=None)


@contextmanager
def watching(
    model: PreTrainedModel, wanted: Wanted = lambda *_: True, progress: Callable[[int], None] = lambda _: None
) -> Iterator[Watch]:
    """A Watch over the forward pass that runs inside the block; afterwards the model is as it was.

    AttnvizError when the model computes attention in a way of its own that cannot be watched.
    """
    AttentionInterface.register(NAME, _attention)
    # Under the same name too: without it the mask is None, the future leaks, and a sliding window is silently wrong.
    AttentionMaskInterface.register(NAME, sdpa_mask)
    watch = Watch(model, wanted, progress)
    before = _configs(model)
    watch.implementations = {id(config): name for config, name in before}
    token = _watch.set(watch)
    try:
        model.set_attn_implementation(NAME)
        if model.config._attn_implementation != NAME:  # it only warns
            raise _not_watched(model)
        yield watch
    finally:
        _watch.reset(token)
        for config, name in before:
            config._attn_implementation_internal = name
    if not watch.seen:
        raise _not_watched(model)


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers calls in place of its kernel."""
    watch = _watch.get()
    assert watch is not None, "the model was switched to attnviz outside of watching()"
    return watch.attention(module, query, key, value, attention_mask, options), None


def _on_cpu(layer: Layer) -> Layer:
    def moved(array: Any) -> Any:
        return array.cpu() if isinstance(array, torch.Tensor) else array

    rule = replace(layer.rule, **{name: moved(getattr(layer.rule, name)) for name in RULE_ARRAYS})
    return replace(layer, query=moved(layer.query), key=moved(layer.key), value=moved(layer.value), rule=rule)


def _configs(model: PreTrainedModel) -> list[tuple[Any, str]]:
    """Every configuration inside ``model``, and the attention that it asks for."""
    found = {
        id(config): config for module in model.modules() if (config := getattr(module, "config", None)) is not None
    }
    return [(one, one._attn_implementation) for one in found.values() if hasattr(one, "_attn_implementation")]


def _not_watched(model: PreTrainedModel) -> AttnvizError:
    return AttnvizError(
        f"{type(model).__name__} computes attention in a way of its own, which cannot be watched",
        "models that use transformers' AttentionInterface can: Llama, Qwen, Mistral, Gemma, GPT-2, BERT, T5, BART, ViT, …",
    )
