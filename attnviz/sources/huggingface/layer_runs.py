"""The attention layers of a model in the order in which they run."""

from __future__ import annotations

from typing import NamedTuple

from attnviz.sources.huggingface.module_calls import ModuleCalls
from attnviz.sources.huggingface.stacks import LayerAddress
from attnviz.trace.layer import Layer


class LayerRun(NamedTuple):
    """One layer that ran; ``layer`` and how far it is from the model's own output where it is wanted; ``windows`` is in how many
    of them its tokens stand, each apart from the others."""

    stack: str
    number: int
    path: str
    layer: Layer | None
    error: float
    windows: int = 1


def next_number(runs: list[LayerRun], address: LayerAddress) -> int:
    """The number of a layer in its stack; layers of shared weights (ALBERT's) run again, and count on."""
    taken = [run.number for run in runs if run.stack == address.stack]
    number = len(taken) if address.number is None else address.number
    return number if number not in taken else max(taken) + 1


def forget(runs: list[LayerRun], calls: ModuleCalls, path: str) -> None:
    """Drop the layer at ``path``, whose attention is several, of parts of the text: no map of it is whole."""
    calls.mark_unseen(path)
    if runs and runs[-1].path == path:
        runs.pop()
