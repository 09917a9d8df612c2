"""Many texts that a model reads, several at once: sorted by their length, padded, and cut apart again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import torch

from attnviz.attention.memory import allowance
from attnviz.choices import Verify
from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.sources.given import Answer, Given
from attnviz.sources.huggingface.assembling import assembled
from attnviz.sources.huggingface.batch_watch import BatchWatch
from attnviz.sources.huggingface.inputs import Reading, read
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.next_tokens import NextTokens, foreseen, predicted
from attnviz.sources.huggingface.seams import accepted
from attnviz.sources.huggingface.stacks import known_layers, layer_count
from attnviz.sources.huggingface.trace_model import MODEL, run, trace_of
from attnviz.sources.huggingface.watch import watched_by
from attnviz.sources.recording.sampled import Comparison
from attnviz.trace.origin import Origin
from attnviz.trace.selectors import layer_filter, layers_meant
from attnviz.trace.trace import Trace

MOST = 32  # texts at once: beyond it a processor gains nothing
AHEAD = 16  # batches that are read before the first runs, so that texts of like length meet
BYTES_A_NUMBER = 24  # of one token in one layer: what is kept, what runs, and what is compared
EQUAL = 1e-4  # how far keys may be apart, in parts of the largest, of a text that is padded and one that is not


class Asked(NamedTuple):
    """One text of many, and how it is read."""

    number: int
    given: Given
    reading: Reading

    @property
    def length(self) -> int:
        """How many tokens it has."""
        return int(self.reading.inputs["input_ids"].shape[1])


class Batches:
    """Texts to traces, in the order in which they come.

    batch   how many texts run at once; None: as many as memory allows
    predictions  how many of the likeliest next tokens are kept after each position; None: none
    padded  whether texts of other lengths may run together; None: nobody has looked yet
    apart   why each text runs by itself, where this model can run no batch of them; None: it can
    """

    def __init__(
        self,
        model: Model,
        *,
        layer: Sequence[str] = (),
        chat: bool = False,
        verify: Verify = Verify.SAMPLE,
        batch: int | None = None,
        predictions: int | None = None,
    ) -> None:
        self.model, self.layer, self.chat = model, layer, chat
        self.comparison, self.batch = Comparison(verify), batch
        self.predictions = predictions
        self.padded: bool | None = None
        self.apart: AttnvizError | None = None
        if (known := known_layers(model.model)) is not None:
            layers_meant(layer, known, MODEL)

    def __call__(self, texts: Iterable[Given]) -> Iterator[Answer]:
        """The trace of each text with its number from 0, or why there is none."""
        numbered = enumerate(texts)
        while some := list(islice(numbered, AHEAD * (self.batch or MOST))):
            yield from self._window(some)

    def _window(self, texts: Sequence[tuple[int, Given]]) -> Iterator[Answer]:
        """Texts that were read together, in their order."""
        answers: dict[int, Trace | AttnvizError] = {}
        asked: list[Asked] = []
        for number, given in texts:
            try:
                asked.append(Asked(number, given, self._reading(given)))
            except (ChoiceError, UsageError):  # no other text would do better
                raise
            except AttnvizError as error:
                answers[number] = error
        waiting = sorted(asked, key=lambda one: one.length if _is_plain(one.reading) else 0, reverse=True)
        place = 0
        while place < len(waiting):
            some = self._next(waiting, place)
            place += len(some)
            answers |= self._answers(some)
        yield from sorted(answers.items())

    def _reading(self, given: Given) -> Reading:
        return read(self.model, given.text, given.target, self.chat, given.image, given.pair)

    def _next(self, waiting: Sequence[Asked], place: int) -> Sequence[Asked]:
        """The texts that run next, from ``place`` on, the longest first."""
        first = waiting[place]
        if not self._can_batch(first.reading):
            return [first]
        some = waiting[place : place + self._most(first.length)]
        alike = [
            one for one in some if _is_plain(one.reading) and (self.padded is not False or one.length == first.length)
        ]
        return alike or [first]

    def _can_batch(self, reading: Reading) -> bool:
        """Whether this model can read several such texts at once."""
        network = self.model.model
        return (
            _is_plain(reading)
            and self.apart is None
            and self.model.recorded is False  # the first text tells
            and not getattr(network.config, "is_encoder_decoder", False)
            and "attention_mask" in accepted(network, {"attention_mask": None})
        )

    def _most(self, length: int) -> int:
        """How many texts of this length may run at once."""
        if self.batch is not None:
            return self.batch
        config = self.model.model.config.get_text_config()
        numbers = (layer_count(config) or 1) * int(getattr(config, "hidden_size", 1024))
        return max(1, min(MOST, allowance() // (length * numbers * BYTES_A_NUMBER)))

    def _answers(self, some: Sequence[Asked]) -> dict[int, Trace | AttnvizError]:
        """What is made of texts that run at once. Where these fail together, each tells its own error; and where none has
        one, this model is run on one text at a time from now on."""
        if len(some) == 1:
            return {some[0].number: self._alone(some[0])}
        try:
            return dict(zip((one.number for one in some), self._together(some), strict=True))
        except AttnvizError as error:
            answers = {one.number: self._alone(one) for one in some}
            if all(isinstance(answer, Trace) for answer in answers.values()):
                self.apart = error
            return answers

    def _alone(self, one: Asked) -> Trace | AttnvizError:
        try:
            return self._of_one(one)
        except AttnvizError as error:
            return error

    def _of_one(self, one: Asked) -> Trace:
        made = trace_of(
            self.model, one.given.text, one.reading, self.layer, self.comparison, predictions=self.predictions
        )
        return replace(made, source=made.source.of_text(one.given.text, one.given.pair))

    def _together(self, some: Sequence[Asked]) -> list[Trace]:
        """The traces of texts that run at once; AttnvizError where any cannot be made."""
        lengths = [one.length for one in some]
        watch = BatchWatch(self.model.model, layer_filter(self.layer), comparison=self.comparison, lengths=lengths)
        with watched_by(watch), foreseen(self.model, self.predictions) as found:
            run(self.model, _padded(some, self._padding()))
        if len({*lengths}) > 1 and self.padded is None:
            self.padded = self._reads_padding_right(watch, some)
            if not self.padded:
                return [self._of_one(one) for one in some]
        return [self._trace(watch, place, one, found) for place, one in enumerate(some)]

    def _trace(self, watch: BatchWatch, place: int, one: Asked, found: NextTokens | None) -> Trace:
        kept = watch.kept_of(place)
        made = assembled(self.model, kept, watch.calls.unseen, one.reading, comparison=self.comparison)
        agreement = made.source.agreement._replace(checked_queries=watch.checked[place])
        source = Origin(made.source | {"agreement": agreement.facts()})
        predictions = predicted(made, found, one.reading, place)
        return replace(made, source=source.of_text(one.given.text, one.given.pair), predictions=predictions)

    def _padding(self) -> int:
        config = self.model.model.config.get_text_config()
        padding = getattr(config, "pad_token_id", None)
        return int(padding) if padding is not None and padding >= 0 else 0

    def _reads_padding_right(self, watch: BatchWatch, some: Sequence[Asked]) -> bool:
        """Whether the shortest text has the same keys in the last layer as where it is read alone: some models let padding in."""
        place, one = min(enumerate(some), key=lambda each: each[1].length)
        alone = self._of_one(one)
        pairs = zip(watch.kept_of(place), alone.layers, strict=True)
        return all(_near(mine.key, theirs.key) for (mine, _), theirs in pairs)


def _is_plain(reading: Reading) -> bool:
    """Whether ids, and the kinds of their segments, are all that is read."""
    return reading.inputs.keys() <= {"input_ids", "token_type_ids"} and reading.target is None


def _padded(some: Sequence[Asked], padding: int) -> Reading:
    """One pass over all of them, the padding behind each."""
    longest = max(one.length for one in some)
    inputs = {
        name: torch.cat(
            [_filled(one.reading.inputs[name], longest, padding if name == "input_ids" else 0) for one in some]
        )
        for name in some[0].reading.inputs
    }
    if any(one.length < longest for one in some):
        there = [_filled(torch.ones_like(one.reading.inputs["input_ids"]), longest, 0) for one in some]
        inputs["attention_mask"] = torch.cat(there)
    return Reading(inputs)


def _filled(numbers: torch.Tensor, length: int, value: int) -> torch.Tensor:
    """(1, tokens) → (1, length)."""
    return torch.nn.functional.pad(numbers, (0, length - numbers.shape[1]), value=value)


def _near(mine: torch.Tensor, theirs: torch.Tensor) -> bool:
    largest = float(theirs.abs().max())
    return float((mine - theirs.to(mine)).abs().max()) <= max(EQUAL, 8 * torch.finfo(mine.dtype).eps) * largest
