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

    Where weights lie elsewhere until their module runs, each module must end: it is then that they go back.
    """
    places = getattr(model, "hf_device_map", None) or {}
    if known is None or not meant or len(known) - 1 in meant or {"cpu", "disk"} & {str(one) for one in places.values()}:
        return frozenset()
    return frozenset(known[place] for place in meant)


def layers_before_end(until: frozenset[Place]) -> int | None:
    """How many layers run in a pass that ends behind ``until``; None where it does not end, or has several stacks."""
    return 1 + max(number for _, number in until) if {stack for stack, _ in until} == {""} else None


@contextmanager
def ending(
    model: PreTrainedModel, addresses: LayerAddresses, until: frozenset[Place], ran: Callable[[], set[Place]]
) -> Iterator[None]:
    """Inside the block a pass of ``model`` ends, by ``Enough``, when the modules of the layers ``until`` have ended and all of these
    are among those that ``ran``: so W_O, which comes behind the attention, has run as well."""

    def ended(*_: Any) -> None:
        if until <= ran():
            raise Enough

    hooks = [module.register_forward_hook(ended) for module in _modules_of(model, addresses, until)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _modules_of(model: PreTrainedModel, addresses: LayerAddresses, until: frozenset[Place]) -> list[torch.nn.Module]:
    """The modules that the layers ``until`` are, each once."""
    if not until:
        return []
    attending = [path for path, module in model.named_modules() if ATTENDS.search(type(module).__name__)]
    paths = [path for path in attending if addresses.at(path)[1:] in until]
    found = [layer_module(model, path) for path in paths]
    return list({id(module): module for module in found if module is not None}.values())
