"""Watching a model's attention through transformers' own extension point, AttentionInterface.

The model runs as it always does, its kernel computes the output; on the way, query, key and value (after rotary
embedding, heads still grouped) and all that is done to the scores are kept for the layers that are asked for.
https://huggingface.co/docs/transformers/attention_interface
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask, sdpa_mask

from attnviz.attention.arrays import like
from attnviz.attention.rule import RULE_ARRAYS, Rule
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.module_calls import Forwards
from attnviz.sources.huggingface.native_attention import attention_output, is_causal, is_plain
from attnviz.sources.huggingface.stacks import Place, places
from attnviz.sources.recording.agreement import require_agreement
from attnviz.sources.recording.rule_from_mask import Visibility, distance_bias, visibility
from attnviz.trace.layer import Layer

NAME = "attnviz"

Wanted = Callable[[str, int], bool]  # (stack, index) → whether that layer is kept


class Seen(NamedTuple):
    """One layer that ran; ``layer`` and how far it is from the model's own output where it is wanted."""

    stack: str
    number: int
    path: str
    layer: Layer | None
    error: float


@dataclass
class Watch:
    """What one forward pass left of the layers that are wanted.

    seen             every layer that ran, in that order; what is kept of them is on the CPU, still without tokens
    forwards.unseen  the modules that compute attention in a way of their own, and are not among them
    """

    model: PreTrainedModel
    wanted: Wanted
    progress: Callable[[int], None]
    implementations: dict[int, str] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    forwards: Forwards = field(default_factory=Forwards)

    def __post_init__(self) -> None:
        self._places = places(self.model)
        # Masks are shared by layers: each is put into words once. The tensor is kept, so that its address stays its own.
        self._known: dict[Any, tuple[torch.Tensor, Any]] = {}

    @property
    def kept(self) -> list[tuple[Layer, float]]:
        """The layers that are wanted, and how far each is from the model's own output (see agreement.py)."""
        return [(one.layer, one.error) for one in self.seen if one.layer is not None]

    def implementation(self, config: Any) -> str | None:
        """What ``config`` asks for when nobody watches."""
        return self.implementations.get(id(config))

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
        implementation = self.implementation(getattr(module, "config", None))
        output = attention_output(implementation, module, query, key, value, mask, options)
        place = self._places.get(id(module), Place(type(module).__name__))
        if self.forwards.called() > 1:
            self._forget(place.path)
            return output
        number = self._number(place)
        layer, error = None, 0.0
        if self.wanted(place.stack, number):
            if query.shape[0] != 1:
                raise AttnvizError(
                    f"{place.path} attends to {query.shape[0]} texts, or parts of one, at once",
                    "give one text; a model that cuts its input into parts (Swin) cannot be shown",
                )
            name = f"{place.stack} {number}" if place.stack else ""
            rule = self._rule(implementation, module, query, key, mask, options)
            kind = "cross" if place.stack == "cross" else "self"
            layer = Layer(query[0], key[0], value[0], rule, number, name, kind)
            error = require_agreement(layer, output[0], plain=is_plain(implementation, options))
            layer = self._apart(layer)
        self.seen.append(Seen(place.stack, number, place.path, layer, error))
        self.progress(len(self.seen))
        return output

    def _number(self, place: Place) -> int:
        """The number of a layer in its stack; layers of shared weights (ALBERT's) run again, and count on."""
        taken = [one.number for one in self.seen if one.stack == place.stack]
        number = len(taken) if place.number is None else place.number
        return number if number not in taken else max(taken) + 1

    def _forget(self, path: str) -> None:
        """Drop the layer at ``path``, whose attention is several, of parts of the text: no map of it is whole."""
        self.forwards.tell(path)
        if self.seen and self.seen[-1].path == path:
            self.seen.pop()

    def _rule(
        self,
        implementation: str | None,
        module: torch.nn.Module,
        query: torch.Tensor,
        key: torch.Tensor,
        mask: torch.Tensor | None,
        options: dict[str, Any],
    ) -> Rule:
        queries, keys, dimension = query.shape[-2], key.shape[-2], query.shape[-1]
        seen = (
            Visibility(is_causal(implementation, module, queries, mask, options))
            if mask is None
            else self._visibility(mask)
        )
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

    def _apart(self, layer: Layer) -> Layer:
        """``layer`` in memory of its own on the CPU, free to be differentiated; masks stay shared.

        Its tensors are often views of larger ones (query, key and value of one product), and what stays must not lie
        between what comes and goes: the heap would keep the gaps, which takes as much memory again.
        """

        def moved(array: Any) -> Any:
            return self._once(array, array.cpu, "cpu") if isinstance(array, torch.Tensor) else array

        rule = replace(layer.rule, **{name: moved(getattr(layer.rule, name)) for name in RULE_ARRAYS})
        with torch.inference_mode(False):
            query, key, value = (array.to("cpu", copy=True) for array in (layer.query, layer.key, layer.value))
        return replace(layer, query=query, key=key, value=value, rule=rule)

    def _once(self, tensor: torch.Tensor, words: Callable[[], Any], kind: str = "words") -> Any:
        """``words()`` of ``tensor``, the same for all layers that share it."""
        address = (kind, tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.device)
        if address not in self._known:
            self._known[address] = (tensor, words())
        return self._known[address][1]


_watch: ContextVar[Watch | None] = ContextVar("attnviz_watch", default=None)
_one_at_a_time = threading.RLock()  # a model is switched while it is watched, and others may share its configuration


@contextmanager
def watching(
    model: PreTrainedModel, wanted: Wanted = lambda *_: True, progress: Callable[[int], None] = lambda _: None
) -> Iterator[Watch]:
    """A Watch over the forward pass that runs inside the block; afterwards the model is as it was.

    Other threads wait for their turn. AttnvizError when the model computes all of its attention in a way of its own,
    that cannot be watched; what cannot be watched of a model is in ``Watch.forwards.unseen``.
    """
    AttentionInterface.register(NAME, _attention)
    # Under the same name too: without it the mask is None, the future leaks, and a sliding window is silently wrong.
    AttentionMaskInterface.register(NAME, _mask)
    with _one_at_a_time:
        if _watch.get() is not None:
            raise AttnvizError("a model is watched already", "let one trace end before the next begins")
        watch = Watch(model, wanted, progress)
        configs = _configs(model)
        before = [config._attn_implementation for config in configs]
        watch.implementations = {id(config): name for config, name in zip(configs, before, strict=True)}
        token = _watch.set(watch)
        try:
            for config in configs:  # each, since a model that is made of models may switch some of them alone
                config._attn_implementation_internal = NAME
            with watch.forwards.following(model):
                yield watch
        finally:
            _watch.reset(token)
            for config, name in zip(configs, before, strict=True):
                config._attn_implementation_internal = name
    if not watch.seen:
        raise AttnvizError(
            f"{type(model).__name__} computes attention in a way of its own, which cannot be watched",
            "models that use transformers' AttentionInterface can: Llama, Qwen, Mistral, Gemma, GPT-2, BERT, T5, BART, ViT, …",
        )


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers calls in place of its kernel."""
    return _current().attention(module, query, key, value, attention_mask, options), None


def _mask(*arguments: Any, config: Any = None, **options: Any) -> torch.Tensor | None:
    """The mask as the model would make it for its own kernel: plain code takes no mask as none, sdpa as causal."""
    make = eager_mask if is_plain(_current().implementation(config), {}) else sdpa_mask
    mask: torch.Tensor | None = make(*arguments, config=config, **options)
    return mask


def _current() -> Watch:
    watch = _watch.get()
    if watch is None:
        raise AttnvizError(
            "another thread runs this model while it is watched", "let one finish before the other starts"
        )
    return watch


def _configs(model: PreTrainedModel) -> list[Any]:
    """Every configuration inside ``model`` that says which attention it asks for."""
    found = {
        id(config): config for module in model.modules() if (config := getattr(module, "config", None)) is not None
    }
    return [config for config in found.values() if hasattr(config, "_attn_implementation_internal")]
