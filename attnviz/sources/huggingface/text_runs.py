"""Passes over texts, one or several at once, and what is made of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from attnviz.sources.given import Then, made
from attnviz.sources.huggingface.assembling import assembled, completed
from attnviz.sources.huggingface.at_once import Asked, padded
from attnviz.sources.huggingface.batch_watch import BatchWatch
from attnviz.sources.huggingface.inputs import Reading
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.next_tokens import NextTokens, predicted
from attnviz.sources.huggingface.trace_model import last_layers, trace_of
from attnviz.sources.recording.output_projection import OutputProjections
from attnviz.sources.recording.sampled import Comparison
from attnviz.trace.agreement import Agreement
from attnviz.trace.origin import Origin, TokenIds, read_origin
from attnviz.trace.selectors import layer_filter
from attnviz.trace.trace import Trace
from attnviz.trace.weights_of_texts import StartWeighing

WEIGHED = (
    1 << 22
)  # weights of a layer at once: of longer texts there are traces, and some queries are measured at a time
EQUAL = 1e-4  # how far keys may be apart, in parts of the largest, of a text that is padded and one that is not


class TextRuns:
    """Passes of ``model`` over texts.

    then   what is made of the trace of each; weigh, what is made of the weights of several, in place of their traces; None: nothing
    """

    def __init__(
        self,
        model: Model,
        layer: Sequence[str],
        comparison: Comparison,
        predictions: int | None,
        then: Then,
        weigh: StartWeighing | None,
    ) -> None:
        self.model, self.layer, self.comparison, self.predictions = model, layer, comparison, predictions
        self.then, self.weigh = then, weigh
        self.projections = OutputProjections()  # W_O, which is found in the first batch, and not looked for again
        self._until = last_layers(model, layer, predictions)
        self._first: Trace | None = None  # which tells what the origins of all share

    def trace(self, one: Asked) -> Trace:
        """The trace of one text by itself."""
        made = trace_of(
            self.model, one.given.text, one.reading, self.layer, self.comparison, predictions=self.predictions
        )
        self._first = self._first or made
        return completed(made, made.source.of_text(one.given.text, one.given.pair), made.predictions)

    def watch(self, some: Sequence[Asked], weighed: bool) -> BatchWatch:
        """What sees a pass over all of them; ``weighed``: whether their weights may do."""
        return BatchWatch(
            self.model.model,
            layer_filter(self.layer),
            comparison=self.comparison,
            until=self._until,
            projections=self.projections,
            lengths=[one.length for one in some],
            weighing=self._weighing(some) if weighed else None,
        )

    def beside(self, watch: BatchWatch, some: Sequence[Asked]) -> BatchWatch:
        """The same at the same time as those that ``watch`` sees."""
        return watch.beside(lengths=[one.length for one in some], weighing=self._weighing(some))

    def _weighing(self, some: Sequence[Asked]) -> Any:
        if self.weigh is None or self._first is None or not some:
            return None
        heads, longest = max(layer.heads for layer in self._first.layers), max(one.length for one in some)
        if len(some) * heads * longest**2 > WEIGHED or any(one.reading.tokens is None for one in some):
            return None
        return self.weigh([one.reading.inputs["input_ids"][0].tolist() for one in some])

    def reading(self, some: Sequence[Asked]) -> Reading:
        """One pass over all of them, the padding behind each."""
        config = self.model.model.config.get_text_config()
        padding = getattr(config, "pad_token_id", None)
        return padded(some, int(padding) if padding is not None and padding >= 0 else 0)

    def answers(self, watch: BatchWatch, some: Sequence[Asked], found: NextTokens | None = None) -> dict[int, Any]:
        """What is made of the texts of a pass, by their numbers; AttnvizError where a trace cannot be made."""
        if watch.weighing is not None:
            return {
                one.number: watch.weighing.of_text(place, self._origin(watch, one), one.reading.tokens.labels)  # type: ignore[union-attr]
                for place, one in enumerate(some)
            }
        traces = [self._trace(watch, place, one, found) for place, one in enumerate(some)]
        return {one.number: self.made_of(trace) for one, trace in zip(some, traces, strict=True)}

    def reads_padding_right(self, watch: BatchWatch, some: Sequence[Asked], known: tuple[Asked, Trace] | None) -> bool:
        """Whether a text has the same keys as where it was read alone: some models let padding in. It is the one that is ``known``,
        the last of them, if that was padded; else the shortest."""
        place, one = min(enumerate(some), key=lambda each: each[1].length)
        if known is not None and known[0].length < max(each.length for each in some):
            place, alone = len(some) - 1, known[1]
        else:
            alone = self.trace(one)
        pairs = zip(watch.kept_of(place), alone.layers, strict=True)
        return all(_near(mine.key, theirs.key) for (mine, _), theirs in pairs)

    def made_of(self, trace: Trace) -> Any:
        """What is made of a trace, or why nothing is."""
        return made(self.then, trace)

    def _trace(self, watch: BatchWatch, place: int, one: Asked, found: NextTokens | None) -> Trace:
        kept = watch.kept_of(place)
        made = assembled(self.model, kept, watch.calls.unseen, one.reading, comparison=self.comparison)
        agreement = made.source.agreement._replace(checked_queries=watch.checked[place])
        source = Origin(made.source | {"agreement": agreement.facts()})
        predictions = predicted(made, found, one.reading, place)
        return completed(made, source.of_text(one.given.text, one.given.pair), predictions)

    def _origin(self, watch: BatchWatch, one: Asked) -> Origin:
        """The origin of a text of whose layers nothing was kept."""
        assert self._first is not None
        assert one.reading.tokens is not None
        agreement = Agreement(max(watch.errors.values()), one.length, watch.errors, one.length)
        tokens = one.reading.tokens
        source = self._first.source.of_other(agreement, TokenIds(tokens.ids, frozenset(tokens.special)))
        return read_origin(source.of_text(one.given.text, one.given.pair))


def _near(mine: torch.Tensor, theirs: torch.Tensor) -> bool:
    largest = float(theirs.abs().max())
    return float((mine - theirs.to(mine)).abs().max()) <= max(EQUAL, 8 * torch.finfo(mine.dtype).eps) * largest
