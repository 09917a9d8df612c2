"""Many texts that a model reads, several at once: sorted by their length, padded, and cut apart again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

import torch

from attnviz.attention.memory import allowance
from attnviz.choices import Verify
from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.sources.given import Answer, Given
from attnviz.sources.huggingface.assembling import assembled, completed
from attnviz.sources.huggingface.batch_watch import BatchWatch
from attnviz.sources.huggingface.cutting import fitted
from attnviz.sources.huggingface.inputs import Reading, position_count, read
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.next_tokens import NextTokens, foreseen, predicted
from attnviz.sources.huggingface.seams import accepted
from attnviz.sources.huggingface.stacks import layer_count
from attnviz.sources.huggingface.trace_model import last_layers, run, trace_of
from attnviz.sources.huggingface.watch import watched_by
from attnviz.sources.recording.sampled import Comparison
from attnviz.sources.texts.length import ANY_LENGTH, Length
from attnviz.trace.origin import Origin
from attnviz.trace.selectors import layer_filter
from attnviz.trace.trace import Trace

MOST = 32  # texts at once: beyond it a processor gains nothing
AHEAD = 16  # batches that are read before the first runs, so that texts of like length meet
BYTES_A_NUMBER = 24  # of one token in one layer: what is kept, what runs, and what is compared
HELD = 4  # what is done and waits for its turn takes a fourth of the memory that a piece of work may take
EQUAL = 1e-4  # how far keys may be apart, in parts of the largest, of a text that is padded and one that is not


Report = Callable[[int], None]


def no_report(_: int) -> None:
    """Nobody asks how many are done."""


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
    length  how many tokens a text may have, beside what the model reads, and what becomes of a longer one
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
        length: Length = ANY_LENGTH,
    ) -> None:
        self.model, self.layer, self.chat = model, layer, chat
        self.comparison, self.batch, self.length = Comparison(verify), batch, length.within(position_count(model.model))
        self.predictions = predictions
        self.padded: bool | None = None
        self.apart: AttnvizError | None = None
        self._until = last_layers(model, layer, predictions)

    def __call__(self, texts: Iterable[Given]) -> Iterator[Answer]:
        """The trace of each text with its number from 0, or why there is none."""
        numbered = enumerate(texts)
        while some := list(islice(numbered, self.ahead)):
            yield from self.window(some)

    @property
    def ahead(self) -> int:
        """How many texts are worth reading before the first runs."""
        return AHEAD * (self.batch or MOST) if self._runs_several() else 1

    def window(self, texts: Sequence[tuple[int, Given]], report: Report = no_report) -> Iterator[Answer]:
        """The answers to texts that were read together, in their order; ``report`` is told how many of them are done.

        As many of them are held at once as memory allows. Where it is interrupted, those that are done come first.
        """
        held: list[tuple[int, Asked | AttnvizError]] = []
        tokens = done = 0
        for number, given in texts:
            one = self._asked(number, given)
            length = one.length if isinstance(one, Asked) else 0
            if held and (tokens + length) * self._bytes_a_token() > allowance() // HELD:
                yield from self._sorted(held, lambda more, before=done: report(before + more))  # type: ignore[misc]
                done, tokens = done + len(held), 0
                held = []
            held.append((number, one))
            tokens += length
        yield from self._sorted(held, lambda more: report(done + more))

    def _asked(self, number: int, given: Given) -> Asked | AttnvizError:
        try:
            if self.length.cut and isinstance(given.text, str):
                given = given._replace(text=self.fit(given.text, given.pair))
            return Asked(number, given, self._reading(given))
        except (ChoiceError, UsageError):  # no other text would do better
            raise
        except AttnvizError as error:
            return error

    def _sorted(self, texts: Sequence[tuple[int, Asked | AttnvizError]], report: Report) -> Iterator[Answer]:
        """The same, of texts that are held at once: the longest runs first."""
        answers: dict[int, Trace | AttnvizError] = {}
        try:
            for some in self._runs(texts, answers):
                answers |= self._answers(some)
                report(len(answers))
        except KeyboardInterrupt:
            yield from sorted(answers.items(), key=itemgetter(0))
            raise
        yield from sorted(answers.items(), key=itemgetter(0))

    def _runs(
        self, texts: Sequence[tuple[int, Asked | AttnvizError]], answers: dict[int, Trace | AttnvizError]
    ) -> Iterator[Sequence[Asked]]:
        """Which texts run at once; those that cannot be read have their ``answers`` already."""
        answers |= {number: one for number, one in texts if isinstance(one, AttnvizError)}
        asked = [one for _, one in texts if isinstance(one, Asked)]
        waiting = sorted(asked, key=lambda one: one.length if _is_plain(one.reading) else 0, reverse=True)
        place = 0
        while place < len(waiting):
            some = self._next(waiting, place)
            place += len(some)
            yield some

    def _reading(self, given: Given) -> Reading:
        reading = read(self.model, given.text, given.target, self.chat, given.image, given.pair)
        if reading.tokens is not None:
            self.length.require(len(reading.tokens.ids))
        return reading

    def fit(self, text: str, pair: str | None = None) -> str:
        """As much of a text as may be read."""
        return fitted(self.model, text, self.length, self.chat, pair)

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
        return _is_plain(reading) and self.model.recorded is False and self._runs_several()  # the first text tells

    def _runs_several(self) -> bool:
        """Whether nothing is known that keeps this model from running several texts at once."""
        network = self.model.model
        return (
            self.apart is None
            and not self.model.recorded
            and self.batch != 1
            and not getattr(network.config, "is_encoder_decoder", False)
            and "attention_mask" in accepted(network, {"attention_mask": None})
        )

    def _most(self, length: int) -> int:
        """How many texts of this length may run at once."""
        if self.batch is not None:
            return self.batch
        return max(1, min(MOST, allowance() // (length * self._bytes_a_token())))

    def _bytes_a_token(self) -> int:
        config = self.model.model.config.get_text_config()
        return (layer_count(config) or 1) * int(getattr(config, "hidden_size", 1024)) * BYTES_A_NUMBER

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
        return completed(made, made.source.of_text(one.given.text, one.given.pair), made.predictions)

    def _together(self, some: Sequence[Asked]) -> list[Trace]:
        """The traces of texts that run at once; AttnvizError where any cannot be made."""
        lengths = [one.length for one in some]
        watch = BatchWatch(
            self.model.model,
            layer_filter(self.layer),
            comparison=self.comparison,
            until=self._until,
            lengths=lengths,
        )
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
        return completed(made, source.of_text(one.given.text, one.given.pair), predictions)

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
