"""The attention layers of a model in the order in which they run."""

from __future__ import annotations

from dataclasses import dataclass, field

from attnviz.sources.huggingface.module_calls import ModuleCalls
from attnviz.sources.huggingface.stacks import LayerAddress
from attnviz.sources.recording.comparing import Kept
from attnviz.trace.layer import Layer


@dataclass(frozen=True)
class LayerRun:
    """One layer that ran; what is ``kept`` of it where it is wanted; ``windows`` is in how many of them its tokens stand, each apart
    from the others."""

    stack: str
    number: int
    path: str
    kept: Kept = field(default_factory=Kept)
    windows: int = 1

    @property
    def layer(self) -> Layer | None:
        """The layer, where it is wanted."""
        return self.kept.layer

    @property
    def error(self) -> float:
        """How far the layer is from the model's own output."""
        return self.kept.error


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
