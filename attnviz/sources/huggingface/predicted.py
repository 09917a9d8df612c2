"""A text that a model of transformers has read, and reads again without some of its heads: many heads in one pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import torch
import transformers

from attnviz.attention.arrays import as_floating
from attnviz.attention.memory import require_memory
from attnviz.choices import Ablation
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.answer_token import told
from attnviz.sources.huggingface.inputs import Reading
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.passes import PassWatch, Seen, Visit, passes, replaced
from attnviz.sources.huggingface.places import Places
from attnviz.sources.huggingface.recorded_passes import Recorded, RecordedPasses
from attnviz.sources.huggingface.switching import UnwatchedError
from attnviz.sources.recording.agreement import dtype_name
from attnviz.text.message import Message
from attnviz.trace.ablation import LayerHeads
from attnviz.trace.agreement import Agreement
from attnviz.trace.asking import Head
from attnviz.trace.origin import Origin, TokenIds

TOGETHER = 512  # tokens in one pass: more make it no faster on a processor of a few cores, and take more memory
COPIES = (
    4  # of a pass's logits that are held at a time: of the model with all heads, of a pass, and what is made of them
)

LayerKey = tuple[str, int]  # stack and number


class Row(NamedTuple):
    """One text of a pass: which heads are taken away, and which of the passes of the whole text it is."""

    heads: Collection[Head]
    one: int


class ModelPredicted:
    """A text that ``model`` has read (trace/ablation.py's ``PredictedText``).

    together  tokens in one pass, or those of one text where it has more
    """

    layers: Sequence[LayerHeads]
    tokens: int
    targets: numpy.ndarray
    asked: int | None
    source: Origin

    def __init__(self, model: Model, reading: Reading, places: Places, together: int = TOGETHER) -> None:
        self.model, self.places, self.together = model, places, together
        self.targets, self.asked = places.targets, places.asked
        self._require_fitting()
        self._means: dict[LayerKey, torch.Tensor] = {}  # of each layer (heads, d_v)
        self._recorded = Recorded(model, reading) if model.recorded else None
        try:
            watch, self._logits = self._looked()
        except UnwatchedError:
            self._recorded = Recorded(model, reading)
            watch, self._logits = self._looked()
        self.layers = _in_stacks(watch, self._means)
        self.tokens = places.tokens
        self.source = self._origin(watch, reading)

    def whole(self) -> torch.Tensor:
        """The logits with all heads, (predictions, vocabulary)."""
        if self.places.passes == 1 and self.places.hidden is None:
            return self._logits
        return next(self.without([()], Ablation.ZERO))

    def without(self, groups: Sequence[Collection[Head]], ablation: Ablation) -> Iterator[torch.Tensor]:
        """The logits without the heads of a group, for one group after the other."""
        rows = [Row(group, one) for group in groups for one in range(self.places.passes)]
        at_once = max(1, self.together // self.places.tokens)
        found: list[torch.Tensor] = []
        for start in range(0, len(rows), at_once):
            for made in self._read(rows[start : start + at_once], ablation):
                found.append(made)
                if len(found) == self.places.passes:
                    yield found[0] if len(found) == 1 else torch.cat(found)
                    found = []

    def label(self, number: int) -> str:
        """The token of this number, as a person reads it."""
        return told(self.model.tokenizer, number)

    def _looked(self) -> tuple[PassWatch | RecordedPasses, torch.Tensor]:
        """The text read as it stands, and its logits; what the heads' outputs are on average is taken down."""

        def visit(seen: Seen) -> torch.Tensor:
            self._means[seen.stack, seen.number] = as_floating(seen.output[0], "output").mean(0)
            return seen.output

        with self._passes() as watch:
            logits = watch.run(self.places.inputs, visit, checked=True).logits
        return watch, logits[0]

    def _passes(self) -> AbstractContextManager[PassWatch | RecordedPasses]:
        """In which the model reads."""
        return passes(self.model, stacks=True) if self._recorded is None else self._recorded.passes()

    def _read(self, rows: Sequence[Row], ablation: Ablation) -> list[torch.Tensor]:
        """What the model predicts in each of ``rows``."""
        inputs = self.places.rows([row.one for row in rows])
        with self._passes() as watch:
            logits = watch.run(inputs, self._without(rows, ablation)).logits
        return [self.places.predicted(made, row.one) for made, row in zip(logits, rows, strict=True)]

    def _without(self, rows: Sequence[Row], ablation: Ablation) -> Visit:
        """A Visit that takes from each of ``rows`` its heads."""
        cells: dict[LayerKey, list[tuple[int, int]]] = defaultdict(list)  # of each layer the rows and the heads
        for place, row in enumerate(rows):
            for layer, head in row.heads:
                cells[self.layers[layer][1:3]].append((place, head))

        def visit(seen: Seen) -> torch.Tensor:
            key = seen.stack, seen.number
            if key not in cells:
                return seen.output
            texts, heads = torch.tensor(cells[key]).T
            mean = self._means[key].cpu()[heads][:, None]  # (cells, 1, d_v)
            return replaced(
                seen.output, (texts, slice(None), heads), mean if ablation is Ablation.MEAN else torch.zeros_like(mean)
            )

        return visit

    def _require_fitting(self) -> None:
        """Refuse what is no text, and what takes more memory than there is."""
        for name, value in self.places.inputs.items():
            if value.shape[0] != 1:
                raise AttnvizError("{name} is no part of one text: effects are measured of texts", name=name)
        network: Any = self.model.model
        tokens = max(self.together, self.places.tokens)
        require_memory(
            4 * COPIES * tokens * int(network.get_output_embeddings().weight.shape[0]),
            Message("predicting {tokens:,} tokens", tokens=tokens),
            "give a shorter text",
        )

    def _origin(self, watch: PassWatch | RecordedPasses, reading: Reading) -> Origin:
        errors = {_title(run.stack, run.number): run.error for run in watch.runs}
        sides = (reading.tokens, reading.target)
        text, target = (None if side is None else TokenIds(side.ids, frozenset(side.special)) for side in sides)
        return Origin.of_model(
            model=Path(self.model.name).name or self.model.name,
            architecture=type(self.model.model).__name__,
            dtype=dtype_name(self._logits),
            device=str(self.model.model.device),
            transformers=transformers.__version__,
            agreement=Agreement(max(errors.values()), errors=errors),
            unseen=watch.calls.unseen,
            text=text,
            target=target,
        )


def _in_stacks(watch: PassWatch | RecordedPasses, means: dict[LayerKey, torch.Tensor]) -> list[LayerHeads]:
    """The layers of each stack together, as they are numbered."""
    stacks = list(dict.fromkeys(run.stack for run in watch.runs))
    ordered = sorted(watch.runs, key=lambda run: stacks.index(run.stack))
    return [
        LayerHeads(_title(run.stack, run.number), run.stack, run.number, len(means[run.stack, run.number]))
        for run in ordered
    ]


def _title(stack: str, number: int) -> str:
    return f"{stack or 'layer'} {number}"
