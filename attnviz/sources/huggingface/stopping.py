"""Where a model's pass may end: behind the last layer that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import PreTrainedModel

from attnviz.sources.huggingface.module_calls import ATTENDS
from attnviz.sources.huggingface.stacks import LayerAddresses, layer_module

Place = tuple[str, int]  # the stack and the number of a layer


class Enough(BaseException):
    """All that was to be seen of a pass has been seen; no Exception, which a model may catch."""


def may_end_behind(model: PreTrainedModel, known: Sequence[Place] | None, meant: Sequence[int]) -> frozenset[Place]:
    """The layers behind which nothing of ``model`` has to run, once all of them ran; none where it must run to its end.

    known  the layers that will run, in their order; None where only a run can tell
    meant  which of them are asked for

    Behind the last attention of all, too, there is more that nobody looks at: the layer's own MLP, and the language head.
    Where weights lie elsewhere until their module runs, each module must end: it is then that they go back.
    """
    places = getattr(model, "hf_device_map", None) or {}
    if known is None or {"cpu", "disk"} & {str(one) for one in places.values()}:
        return frozenset()
    return frozenset(known[place] for place in meant)


def layers_before_end(until: frozenset[Place]) -> int | None:
    """How many layers run in a pass that ends behind ``until``; None where it does not end, or has several stacks."""
    return 1 + max(number for _, number in until) if {stack for stack, _ in until} == {""} else None


@contextmanager
def ending(
    model: PreTrainedModel,
    addresses: LayerAddresses,
    until: frozenset[Place],
    ran: Callable[[], set[Place]],
    projected: Callable[[], set[Place]],
) -> Iterator[None]:
    """Inside the block a pass of ``model`` ends, by ``Enough``, when a module of the layers ``until`` has ended and all of these are
    among those that ``ran``: their attention if their W_O, which comes behind it, is among the ``projected``; else the whole layer."""

    def attended(*_: Any) -> None:
        if until <= projected():
            ended()

    def ended(*_: Any) -> None:
        if until <= ran():
            raise Enough

    attending = _attending(model, addresses, until)
    layers = {id(layer): layer for path in attending if (layer := layer_module(model, path)) is not None}
    hooks = [module.register_forward_hook(attended) for module in attending.values()]
    hooks += [layer.register_forward_hook(ended) for layer in layers.values()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _attending(
    model: PreTrainedModel, addresses: LayerAddresses, until: frozenset[Place]
) -> dict[str, torch.nn.Module]:
    """The modules of attention in the layers ``until``, by their paths."""
    if not until:
        return {}
    attending = {path: module for path, module in model.named_modules() if ATTENDS.search(type(module).__name__)}
    return {path: module for path, module in attending.items() if addresses.at(path)[1:] in until}
