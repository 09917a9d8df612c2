"""Forward passes of a model whose attention is recorded: its heads' outputs are seen, or exchanged, where W_O reads them.

Nothing of such a model says where the output of a head is. A recording says what it was, for one text; the linear map that
reads these numbers, the heads side by side, is W_O. Whatever it reads there later are the outputs of these heads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch

from attnviz.attention.arrays import to_numpy
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.inputs import Reading
from attnviz.sources.huggingface.layer_runs import LayerRun
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.model_recording import ModelRecording
from attnviz.sources.huggingface.passes import Seen, Visit
from attnviz.sources.huggingface.running import running
from attnviz.sources.huggingface.seams import Conv1D, accepted
from attnviz.sources.huggingface.trace_model import run
from attnviz.sources.recording.agreement import TOLERANCES, dtype_name
from attnviz.text.message import Message
from attnviz.trace.layer import Layer

HINT = Message("its heads cannot be taken away; its weights are measured by any other metric")


class Outlet(NamedTuple):
    """Where the outputs of a layer's heads, side by side, are read.

    path   of the linear map that reads them
    call   how often that map has run in this pass before
    stack, number, heads   the layer's
    """

    path: str
    call: int
    stack: str
    number: int
    heads: int


class RecordedPasses:
    """What a PassWatch is of a watched model (passes.py): ``run`` lets a ``visit`` see each layer's heads.

    runs   every layer that the recording saw, in that order
    calls  calls.unseen are the modules whose attention was not seen
    """

    def __init__(self, model: Model, recording: ModelRecording, outlets: Sequence[Outlet]) -> None:
        self.model, self.runs, self.calls, self._outlets = model, recording.runs, recording.calls, outlets

    def run(
        self,
        inputs: Mapping[str, torch.Tensor],
        visit: Visit,
        checked: bool = False,  # noqa: ARG002  # the recording has compared what it saw
        **options: Any,
    ) -> Any:
        """What the model makes of ``inputs`` by name; ``options`` are its forward pass's."""
        network: Any = self.model.model
        given = {name: value.to(network.device) for name, value in inputs.items()}
        ran: dict[str, int] = {}
        of_maps: dict[str, list[Outlet]] = {}
        for outlet in self._outlets:
            of_maps.setdefault(outlet.path, []).append(outlet)

        def before(path: str) -> Any:
            def change(_: torch.nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
                call = ran[path] = ran.get(path, -1) + 1
                for outlet in of_maps[path]:
                    if outlet.call == call:
                        output = given[0].unflatten(-1, (outlet.heads, -1))
                        seen = Seen(outlet.number, None, output, None, outlet.stack)  # type: ignore[arg-type]  # of no call
                        return (visit(seen).flatten(-2), *given[1:])
                return given

            return change

        with ExitStack() as stack:
            for path in of_maps:
                hook = network.get_submodule(path).register_forward_pre_hook(before(path))
                stack.callback(hook.remove)
            return network(**given, **accepted(network, {"use_cache": False, **options}))


class Recorded:
    """A model that is recorded once, while it reads a text, so that its heads can be taken away.

    AttnvizError where the outputs of a layer's heads are not known, or go into no one linear map as they are.
    """

    def __init__(self, model: Model, reading: Reading) -> None:
        recording = ModelRecording(model.model, reading, lambda *_: True, lambda _: None)
        with recording.following():
            run(model, reading)
        if not recording.runs:
            raise AttnvizError(
                "{kind} computes attention in its own way, which cannot be watched",
                HINT,
                kind=type(model.model).__name__,
            )
        self.model, self._recording = model, recording
        self._outlets = _outlets(model, reading, recording.runs)
        model.recorded = True

    @contextmanager
    def passes(self) -> Iterator[RecordedPasses]:
        """The model reads inside the block; its errors are AttnvizErrors."""
        with running(self.model):
            yield RecordedPasses(self.model, self._recording, self._outlets)


def _outlets(model: Model, reading: Reading, runs: Sequence[LayerRun]) -> list[Outlet]:
    """Where the outputs of each layer are read."""
    outputs = [_side_by_side(model, run.layer) for run in runs]
    found: list[list[Outlet]] = [[] for _ in runs]
    ran: dict[str, int] = {}

    def before(path: str) -> Any:
        def look(_: torch.nn.Module, given: tuple[Any, ...]) -> None:
            call = ran[path] = ran.get(path, -1) + 1
            for place, (one, output) in enumerate(zip(runs, outputs, strict=True)):
                if given and _is_in(given[0], output):
                    assert one.layer is not None
                    found[place].append(Outlet(path, call, one.stack, one.number, one.layer.heads))

        return look

    with ExitStack() as stack:
        for path, module in model.model.named_modules():
            if isinstance(module, torch.nn.Linear | Conv1D):
                stack.callback(module.register_forward_pre_hook(before(path)).remove)
        run(model, reading)
    for one, outlets in zip(runs, found, strict=True):
        if len(outlets) != 1:
            raise _unknown(model, one)
    return [outlets[0] for outlets in found]


def _side_by_side(model: Model, layer: Layer | None) -> torch.Tensor:
    """The outputs of all heads of ``layer`` as W_O reads them, (queries, heads · d_v)."""
    if layer is None or layer.weights_alone:
        raise AttnvizError(
            "of {kind} only the weights of its attention are known, and not what its heads put out",
            HINT,
            kind=type(model.model).__name__,
        )
    return torch.as_tensor(to_numpy(layer.concat(layer.steps().output)))


def _is_in(given: Any, output: torch.Tensor) -> bool:
    """Whether a linear map that is ``given`` this reads ``output``, and of one text, whose tokens stand before its numbers."""
    if not isinstance(given, torch.Tensor) or tuple(given.shape) != (1, *output.shape):
        return False
    tolerance = TOLERANCES[dtype_name(given)] * float(output.abs().max())
    return bool((given[0].cpu().to(output) - output).abs().max() <= tolerance)


def _unknown(model: Model, one: LayerRun) -> AttnvizError:
    return AttnvizError(
        "the outputs of the heads of {path} in {kind} go into no one linear map as they are",
        HINT,
        path=one.path,
        kind=type(model.model).__name__,
    )
