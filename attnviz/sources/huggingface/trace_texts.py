"""Many texts that a model reads, several at once: sorted by their length, padded, and cut apart again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any

import torch

from attnviz.attention.memory import allowance, lacks_memory
from attnviz.attention.threads import end_if_stopped, side_by_side
from attnviz.choices import Verify
from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.sources.given import Answer, Given, Then, as_it_is
from attnviz.sources.huggingface.asking import Asking
from attnviz.sources.huggingface.at_once import MOST, Asked, AtOnce
from attnviz.sources.huggingface.batch_watch import BatchWatch, NeedsTraceError
from attnviz.sources.huggingface.lanes import LANES, Held, runs_beside, told_of_changes
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.next_tokens import foreseen
from attnviz.sources.huggingface.running import LacksMemoryError, made_ready, running_here
from attnviz.sources.huggingface.seams import accepted
from attnviz.sources.huggingface.switching import seeing, switched_for, watched_by
from attnviz.sources.huggingface.text_runs import TextRuns
from attnviz.sources.huggingface.trace_model import run
from attnviz.sources.recording.sampled import Comparison
from attnviz.sources.texts.length import ANY_LENGTH, Length
from attnviz.trace.trace import Trace
from attnviz.trace.weights_of_texts import StartWeighing

FIRST = 2  # texts of the first batch
PARTS = 2  # passes a lane that what is left is parted in, at the least: the last of the others end while one still runs
AHEAD = 16  # batches that are read before the first runs, so that texts of like length meet
HELD = 4  # what is done and waits for its turn takes a fourth of the memory that a piece of work may take

Report = Callable[[int], None]


def no_report(_: int) -> None:
    """Nobody asks how many are done."""


class Batches:
    """Texts to traces, in the order in which they come.

    asking  how a text is read
    batch   how many texts run at once; None: as many as memory allows
    predictions  how many of the likeliest next tokens are kept after each position; None: none
    length  how many tokens a text may have, beside what the model reads, and what becomes of a longer one
    then    what is made of each trace, in the thread in which its text has run: the answer to that text
    weigh   what is made of texts that run together of their weights alone, where that says the same; None: nothing
    padded  whether texts of other lengths may run together; None: nobody has looked yet
    apart   why each text runs by itself, where this model can run no batch of them; None: it can
    changes whether the model has been seen to change as it runs, so that no two passes of it may run at once
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
        then: Then = as_it_is,
        weigh: StartWeighing | None = None,
    ) -> None:
        self.model, self.asking = model, Asking(model, chat, length)
        self.at_once = AtOnce(model.model, batch)
        self.predictions = predictions
        self.padded: bool | None = None
        self.apart: AttnvizError | None = None
        self.changes = False
        self._begun = False  # whoever has read with this model before: so it is always the same texts that run together
        self._known: tuple[Asked, Trace] | None = None  # a text that was read alone, before any batch
        self._texts = TextRuns(model, layer, Comparison(verify), predictions, then, weigh)

    def __call__(self, texts: Iterable[Given]) -> Iterator[Answer]:
        """The trace of each text with its number from 0, or why there is none."""
        numbered = enumerate(texts)
        while some := list(islice(numbered, self.ahead)):
            yield from self.window(some)

    @property
    def ahead(self) -> int:
        """How many texts are worth reading before the first runs."""
        return AHEAD * (self.at_once.asked or MOST) if self._runs_several() else 1

    @property
    def first(self) -> int:
        """How many of these are read before the first is answered: one, or all where what is made of each is only counted."""
        return self.ahead if self._texts.weigh is not None else 1

    def window(self, texts: Sequence[tuple[int, Given]], report: Report = no_report) -> Iterator[Answer]:
        """The answers to texts that were read together, in their order; ``report`` is told how many of them are done.

        As many of them are held at once as memory allows. Where it is interrupted, those that are done come first.
        """
        held: list[tuple[int, Asked | AttnvizError]] = []
        tokens = done = 0
        for number, given in texts:
            one = self.asking(number, given)
            length = one.length if isinstance(one, Asked) else 0
            if held and (tokens + length) * self.at_once.bytes_a_token() > allowance() // HELD:
                yield from self._sorted(held, lambda more, before=done: report(before + more))  # type: ignore[misc]
                done, tokens = done + len(held), 0
                held = []
            held.append((number, one))
            tokens += length
        yield from self._sorted(held, lambda more: report(done + more))

    def _sorted(self, texts: Sequence[tuple[int, Asked | AttnvizError]], report: Report) -> Iterator[Answer]:
        """The same, of texts that are held at once: the longest runs first."""
        answers: dict[int, Any] = {}
        try:
            # Closed, so that what is interrupted here leaves no thread behind.
            with closing(self._each(self._runs(texts, answers))) as each:
                for made in each:
                    answers |= made
                    report(len(answers))
        except KeyboardInterrupt:
            yield from sorted(answers.items(), key=itemgetter(0))
            raise
        yield from sorted(answers.items(), key=itemgetter(0))

    def _each(self, runs: Iterator[Sequence[Asked]]) -> Generator[dict[int, Any], None, None]:
        """The answers to texts of which some run at once; and some of these beside each other, once it is known how this model takes
        them."""
        while not self._may_share and (some := next(runs, None)) is not None:
            yield self._answers(some)
        planned = deque(runs)
        while planned:
            if len(planned) > 1 and self._may_share:
                with closing(self._beside([*planned])) as beside:
                    for made in beside:
                        if made is None:  # alone they tell why, or do better
                            break
                        planned.popleft()
                        yield made
            if planned:
                yield self._answers(planned.popleft())

    @property
    def _may_share(self) -> bool:
        """Whether several batches may run at the same time: nothing is left to be learned of how this model takes them."""
        known = self._texts.projections.settled and self.padded is not None and self.predictions is None
        return known and not self.changes and self._runs_several() and runs_beside(self.model.model)

    def _beside(self, planned: Sequence[Sequence[Asked]]) -> Generator[dict[int, Any] | None, None, None]:
        """The answers to batches, each in a thread of its own; None of one that must run alone."""
        lead = self._texts.watch((), False)
        there = torch.empty(0, device=self.model.model.device)
        told = told_of_changes(self.model.model, partial(setattr, self, "changes", True))
        with switched_for(lead), made_ready(self.model), told:
            held = Held(self.model.model)

            def work(some: Sequence[Asked]) -> Iterator[dict[int, Any] | None]:
                yield self._shared(lead, held, some)

            with side_by_side(there, work, planned, LANES) as results:
                yield from results

    def _shared(self, lead: BatchWatch, held: Held, some: Sequence[Asked]) -> dict[int, Any] | None:
        """The answers to texts that run beside others; None where they cannot, or have errors to tell."""
        if not all(map(self._can_batch, some)):
            return None
        watch = self._texts.beside(lead, some)
        watch.progress = lambda _: end_if_stopped()
        try:
            with seeing(watch):
                run(self.model, self._texts.reading(some), running_here)
            self.changes = self.changes or held.has_changed
            if self.changes:
                return None
            return self._texts.answers(watch, some)
        except (ChoiceError, UsageError):  # no other text would do better
            raise
        except AttnvizError:
            return None
        except (MemoryError, RuntimeError) as error:  # torch's is a RuntimeError
            if not lacks_memory(error):
                raise
            return None

    def _runs(
        self, texts: Sequence[tuple[int, Asked | AttnvizError]], answers: dict[int, Any]
    ) -> Iterator[Sequence[Asked]]:
        """Which texts run at once; those that cannot be read have their ``answers`` already."""
        answers |= {number: one for number, one in texts if isinstance(one, AttnvizError)}
        asked = [one for _, one in texts if isinstance(one, Asked)]
        waiting = sorted(asked, key=lambda one: one.length if one.is_plain else 0, reverse=True)
        if not self._begun and (plain := [one for one in waiting if one.is_plain]):
            self._begun = True
            yield [plain[-1]]  # it tells whether the model can be watched, and costs the least
            waiting.remove(plain[-1])
        longest = waiting[:FIRST]
        if self.padded is None and len(longest) == FIRST and all(map(self._can_batch, longest)):
            yield longest  # they tell how it takes padding
            del waiting[:FIRST]
        self.at_once.part(sum(one.length for one in waiting), PARTS * LANES if self._may_share else 1)
        place = 0
        while place < len(waiting):
            some = self._next(waiting, place)
            place += len(some)
            yield some

    def _next(self, waiting: Sequence[Asked], place: int) -> Sequence[Asked]:
        """The texts that run next, from ``place`` on, the longest first."""
        first = waiting[place]
        if not self._can_batch(first):
            return [first]
        ahead = waiting[place : place + self.at_once.most(first.length)]
        some = ahead[: self.at_once.together([one.length for one in ahead])]
        alike = [one for one in some if one.is_plain and (self.padded is not False or one.length == first.length)]
        return alike or [first]

    def _can_batch(self, one: Asked) -> bool:
        """Whether this model can read several such texts at once."""
        return one.is_plain and self.model.recorded is False and self._runs_several()  # the first text tells

    def _runs_several(self) -> bool:
        """Whether nothing is known that keeps this model from running several texts at once."""
        network = self.model.model
        return (
            self.apart is None
            and not self.model.recorded
            and self.at_once.asked != 1
            and not getattr(network.config, "is_encoder_decoder", False)
            and "attention_mask" in accepted(network, {"attention_mask": None})
        )

    def _answers(self, some: Sequence[Asked]) -> dict[int, Any]:
        """What is made of texts that run at once. Where these fail together, each tells its own error; and where none has
        one, this model is run on one text at a time from now on."""
        if len(some) == 1:
            return {some[0].number: self._alone(some[0])}
        try:
            return self._together(some)
        except NeedsTraceError:
            self._texts.weigh = None
            return self._answers(some)
        except (ChoiceError, UsageError):
            raise
        except LacksMemoryError:
            pass  # of the texts together
        except AttnvizError as error:
            answers = {one.number: self._alone(one) for one in some}
            if not any(isinstance(answer, AttnvizError) for answer in answers.values()):
                self.apart = error
            return answers
        except (MemoryError, RuntimeError) as error:  # torch's is a RuntimeError
            if not lacks_memory(error):
                raise
        self.at_once.did_not_fit(len(some), max(one.length for one in some))  # what it took is free again
        half = len(some) // 2
        return self._answers(some[:half]) | self._answers(some[half:])

    def _alone(self, one: Asked) -> Any:
        try:
            made = self._texts.trace(one)
        except AttnvizError as error:
            return error
        self._known = (one, made) if self.padded is None and self._can_batch(one) else None
        return self._texts.made_of(made)

    def _together(self, some: Sequence[Asked]) -> dict[int, Any]:
        """The answers to texts that run at once; AttnvizError where any cannot be made."""
        known = self._known if self.padded is None else None
        run_too = [*some, known[0]] if known is not None else some  # what padding does to it is seen there
        watch = self._texts.watch(run_too, weighed=self.padded is not None)
        with watched_by(watch), foreseen(self.model, self.predictions) as found:
            run(self.model, self._texts.reading(run_too))
        self._texts.projections.settled = True
        if len({*watch.lengths}) > 1 and self.padded is None:
            self.padded = self._texts.reads_padding_right(watch, run_too, known)
            self._known = None
            if not self.padded:
                return {one.number: self._alone(one) for one in some}
        return self._texts.answers(watch, some, found)
