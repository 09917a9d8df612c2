"""A model whose attention does not go through transformers' interface: it is recorded, as any module of PyTorch is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from transformers import PreTrainedModel

from attnviz.sources.huggingface.assembling import read_by
from attnviz.sources.huggingface.inputs import Reading
from attnviz.sources.huggingface.layer_runs import LayerRun, forget, next_number
from attnviz.sources.huggingface.module_calls import ModuleCalls, following_calls
from attnviz.sources.huggingface.stacks import LayerAddress, LayerAddresses
from attnviz.sources.huggingface.watch import Wanted
from attnviz.sources.recording.captured import Captured
from attnviz.sources.recording.chain import Chain
from attnviz.sources.recording.comparing import Kept
from attnviz.sources.recording.contraction import Contraction
from attnviz.sources.recording.following import Following
from attnviz.sources.recording.fused import SDPA
from attnviz.sources.recording.known import Labels
from attnviz.sources.recording.recording import Recording
from attnviz.sources.recording.running import Running
from attnviz.sources.recording.sampled import OF_UNKNOWN_CODE
from attnviz.sources.recording.taking import Entry, Taking
from attnviz.sources.recording.words import SOFTMAX
from attnviz.trace.layer import Layer
from attnviz.trace.recorded import RecordedLayer

NORMALISED = SOFTMAX | {"logsumexp", SDPA}


class ModelTaking(Taking):
    """Tells of each attention when it is taken down."""

    def __init__(self, running: Running, wanted: Callable[[int, str], bool], took: Callable[[Entry], None]) -> None:
        super().__init__(running, wanted)
        self._took = took

    def by_hand(self, chain: Chain, product: Contraction, is_left: bool, result: torch.Tensor) -> None:
        """Take down an attention that was written by hand; a softmax of anything but queries times keys is none (ConvBERT)."""
        if chain.root.scores is not None:
            super().by_hand(chain, product, is_left, result)

    def _keep(self, facts: RecordedLayer, found: Captured, sides: tuple[Labels, Labels]) -> None:
        super()._keep(facts, found, sides)
        self._took(self.entries[-1])

    def _keep_weights(self, facts: RecordedLayer, weights: torch.Tensor, reason: str) -> None:
        super()._keep_weights(facts, weights, reason)
        self._took(self.entries[-1])

    def _leave_out(self, facts: RecordedLayer, reason: str) -> None:
        super()._leave_out(facts, reason)
        self._took(self.entries[-1])


class ModelRecording(Recording):
    """A recording of one text that a model of transformers reads: its layers stand in the model's stacks.

    runs     every layer that ran, in that order, as a Watch has them; what is kept of them is on the CPU, without tokens
    because  why weights alone are kept of a layer, by its title
    calls    calls.unseen are the modules whose attention is no one map of the text, or was not seen
    """

    comparison = OF_UNKNOWN_CODE

    def __init__(
        self, model: PreTrainedModel, reading: Reading, wanted: Wanted, progress: Callable[[int], None]
    ) -> None:
        super().__init__(model)
        self._taking = ModelTaking(self._running, lambda _, path: self._is_wanted(path), self._took)
        self._following = Following(self._taking)
        self.model, self.calls, self.runs = model, ModuleCalls(), list[LayerRun]()
        self.because: dict[str, str] = {}
        self.normalised = False  # whether a softmax of any kind ran
        self._reading, self._wanted, self._progress = reading, wanted, progress
        self._addresses = LayerAddresses(model)
        self._numbers: dict[str, int] = {}  # in the recording, of a layer by its title

    @contextmanager
    def following(self) -> Iterator[None]:
        """Record what the model does inside the block."""
        with following_calls(self.model, lambda: self.calls), self:
            yield

    @property
    def kept(self) -> list[tuple[Layer, float | None]]:
        """The layers that are wanted, and how far each is from the model's own output; None where its weights are all that is
        known."""
        return [
            (self._projected(run.layer), None if run.layer.weights_alone else run.error)
            for run in self.runs
            if run.layer is not None
        ]

    def _projected(self, layer: Layer) -> Layer:
        return replace(layer, projections=self._taking.projections.of(self._numbers[layer.title]))

    def _saw(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any
    ) -> None:
        self.normalised |= name in NORMALISED
        super()._saw(name, func, args, kwargs, result)

    def _address(self, path: str) -> LayerAddress:
        return self._addresses.at(path)

    def _is_wanted(self, path: str) -> bool:
        """Whether the attention of the module at ``path`` may be one that is asked for: the number of some is known only then."""
        stack, number = self._address(path)[1:]
        ran_before = any(run.path == path for run in self.runs)
        return number is None or ran_before or self._wanted(stack, number)

    def _took(self, entry: Entry) -> None:
        """Note that a layer ran, and what is kept of it."""
        address = self._address(entry.facts.path)
        passed = not entry.is_kept and not self._is_wanted(address.path)
        several = self.calls.count_interface_call() > 1
        if several or not (passed or self._is_whole(entry, address)):
            forget(self.runs, self.calls, address.path)
            return
        number = next_number(self.runs, address)
        wanted = not passed and self._wanted(address.stack, number)
        layer = self._layer(entry, address, number) if wanted else None
        self.runs.append(LayerRun(address.stack, number, address.path, Kept(layer, entry.facts.error or 0.0)))
        self._progress(len(self.runs))

    def _is_whole(self, entry: Entry, address: LayerAddress) -> bool:
        """Whether it is of the text as a whole: neither of several parts of it nor of one that was filled up (LongT5)."""
        facts = entry.facts
        sides = zip((facts.queries, facts.keys), read_by(address.stack, self._reading), strict=True)
        fits = all(tokens is None or count <= len(tokens.ids) for count, tokens in sides)
        return entry.is_kept and facts.items == 1 and fits

    def _layer(self, entry: Entry, address: LayerAddress, number: int) -> Layer:
        name, kind = address.name_and_kind(number)
        if entry.whole is not None:
            layer = entry.whole.layer(0, number, name, kind)
        else:
            assert entry.weights is not None
            layer = Layer(weights=entry.weights[0], index=number, name=name, kind=kind)
            self.because[layer.title] = entry.facts.notes[0]
        self._numbers[layer.title] = entry.facts.number
        return layer
