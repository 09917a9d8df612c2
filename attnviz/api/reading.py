"""What makes a trace of each text that a public call is given: a model, which is loaded once, or the toy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from typing import Any

from attnviz.api.models import trace_model
from attnviz.api.traces import trace_text
from attnviz.choices import is_tiny
from attnviz.errors import AttnvizError
from attnviz.trace.trace import Trace

LOADING = ("device", "dtype", "device_map", "adapter")  # options of a model that is loaded here
Read = Callable[[Any], Trace]


def reading(model: Any, tokenizer: Any, layer: list[str], making: Mapping[str, Any]) -> Read:
    """What makes a trace of a text: a model, which is loaded once, or the toy."""
    require_known(trace_text if model is None else trace_model, making)
    cut = {} if tokenizer is None else {"tokenizer": tokenizer}
    if model is None:
        return partial(trace_text, **cut, **making)
    if is_tiny(model):
        return partial(trace_model, model, layer=layer, **cut, **making)
    from attnviz.sources.huggingface.model import Model

    loading = {name: making[name] for name in LOADING if name in making}
    of_each = {name: value for name, value in making.items() if name not in loading}
    loading |= {"predicts": True} if making.get("toward") is not None else {}
    return partial(trace_model, Model.of(model, tokenizer, **loading), layer=layer, **of_each)


def usual(model: Any) -> dict[str, Any]:
    """The options of what reads the texts, with what they are where nobody gives them."""
    known = signature(trace_text if model is None else trace_model).parameters
    return {name: one.default for name, one in known.items() if one.default is not one.empty}


def require_known(call: Callable[..., Trace], making: Mapping[str, Any]) -> None:
    """Refuse options that ``call``, which reads the texts, does not have."""
    known = signature(call).parameters
    for name in making:
        if name not in known:
            raise AttnvizError(
                "{name} is no option of {call}, which reads the texts here",
                "model=… has a model read them, and without it the toy does",
                name=name,
                call=call.__name__,
            )
