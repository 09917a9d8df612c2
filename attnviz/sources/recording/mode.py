"""Seeing what a module calls of torch, while it runs as it always does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from attnviz.sources.recording.words import SILENT

Saw = Callable[[str, Callable[..., Any], tuple[Any, ...], Mapping[str, Any], Any], None]
MULTI_HEAD = "multi_head_attention_forward"


class SeeingMode(TorchFunctionMode):
    """Calls what the module calls, and hands each call and its result to ``saw``.

    Nothing that ``saw`` does with torch is seen, by this mode or any other. https://docs.pytorch.org/docs/stable/torch.overrides.html
    """

    def __init__(self, saw: Saw) -> None:
        super().__init__()
        self._saw = saw

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.compiler.is_dynamo_compiling():  # a compiler reads this as the module's own code
            return func(*args, **kwargs)
        name = function_name(func)
        if name == MULTI_HEAD:
            with self:
                return _multi_head(*args, **kwargs)
        result = func(*args, **kwargs)
        if name not in SILENT:
            with torch._C.DisableTorchFunction():
                self._saw(name, func, args, kwargs, result)
        return result


def function_name(func: Any) -> str:
    """The name of a function of torch; of what reads an attribute, the attribute's."""
    name = getattr(func, "__name__", "")
    return str(getattr(func.__self__, "__name__", "")) if name == "__get__" else str(name)


def _unguarded(function: Any) -> Any:
    """``function`` of torch with the same code, that does not ask whether somebody overrides it as a whole: so each call inside
    it is seen."""
    surroundings = {**function.__globals__, "has_torch_function": lambda _: False}
    made = FunctionType(function.__code__, surroundings, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


_multi_head = _unguarded(torch.nn.functional.multi_head_attention_forward)
