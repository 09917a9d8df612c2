"""Many questions put to the tiny model at once: its answers whole, without one head, and with one head's work exchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy

from attnviz.sources.tiny.grammar import Case
from attnviz.sources.tiny.model import Replaced, Run, TinyModel

TOGETHER = 128  # texts in one run, of about the same length


@dataclass(frozen=True, eq=False)
class Batch:
    """Texts of about the same length, filled up on the right, which causal attention does not see.

    cases       their places among all cases
    embeddings  (texts, tokens, width)
    last        (texts,): where each text's question is
    run         the whole model's
    """

    cases: numpy.ndarray
    embeddings: numpy.ndarray
    last: numpy.ndarray
    run: Run

    @property
    def rows(self) -> numpy.ndarray:
        """(texts,): 0, 1, …"""
        return numpy.arange(len(self.last))

    def asked(self) -> numpy.ndarray:
        """Where the questions are, (texts, tokens)."""
        asked: numpy.ndarray = numpy.arange(self.embeddings.shape[1]) == self.last[:, None]
        return asked

    def inside(self) -> numpy.ndarray:
        """Where there is text, (texts, tokens)."""
        inside: numpy.ndarray = numpy.arange(self.embeddings.shape[1]) <= self.last[:, None]
        return inside


class Answers:
    """The model's answers to ``cases``, which are run once; what is asked of single heads is computed from there."""

    def __init__(self, model: TinyModel, cases: Sequence[Case], together: int = TOGETHER) -> None:
        self.model, self.cases, self.together = model, cases, together
        self.answers = self._ids([case.answer for case in cases])
        self.others = self._ids([case.other_answer for case in cases])
        self.batches = list(self._batches([case.tokens for case in cases]))

    def looks(self) -> numpy.ndarray:
        """The token with a head's largest weight where the question is asked, (layers, heads, cases)."""
        return self._gathered(
            lambda batch: numpy.stack(
                [layer.weights[batch.rows, :, batch.last].argmax(-1).T for layer in batch.run.layers]
            )
        )

    def right(self) -> numpy.ndarray:
        """Whether the whole model's first choice is the answer, (cases,)."""
        return self._gathered(lambda batch: self._chosen(batch, batch.run) == self.answers[batch.cases])

    def means(self) -> numpy.ndarray:
        """Each head's mean output before W_O, over all cases and positions, (layers, heads, d_v)."""
        sums = numpy.zeros((len(self.model.weights.layers), self.model.heads, 1))
        tokens = 0
        for batch in self.batches:
            inside = batch.inside()
            tokens += int(inside.sum())
            sums = sums + numpy.stack(
                [
                    numpy.einsum("bhtd,bt->hd", layer.output, inside.astype(layer.output.dtype))
                    for layer in batch.run.layers
                ]
            )
        return sums / tokens

    def ablated(self, means: numpy.ndarray) -> numpy.ndarray:
        """``right`` with each head's output replaced by its mean everywhere, (layers, heads, cases)."""
        return self._each_head(lambda _, layer, head: Replaced(means[layer, head]), self.answers)

    def flipped(self) -> numpy.ndarray:
        """Whether the answer becomes the minimal pair's where each head's output at the question is that pair's,
        (layers, heads, cases)."""
        pairs = Answers(self.model, [_pair(case) for case in self.cases], self.together)
        runs = {batch.cases[0]: batch.run for batch in pairs.batches}  # pairs are as long, so they are batched alike

        def of_pair(batch: Batch, layer: int, head: int) -> Replaced:
            return Replaced(runs[batch.cases[0]].layers[layer].output[:, head], batch.asked())

        return self._each_head(of_pair, self.others)

    def _each_head(self, other: Callable[[Batch, int, int], Replaced], answers: numpy.ndarray) -> numpy.ndarray:
        layers, heads = len(self.model.weights.layers), self.model.heads

        def of_batch(batch: Batch) -> numpy.ndarray:
            return numpy.array(
                [
                    [
                        self._without(batch, layer, head, other(batch, layer, head)) == answers[batch.cases]
                        for head in range(heads)
                    ]
                    for layer in range(layers)
                ]
            )

        return self._gathered(of_batch)

    def _without(self, batch: Batch, layer: int, head: int, other: Replaced) -> numpy.ndarray:
        """The model's first choices with one head's output replaced, (texts,)."""
        if layer < len(self.model.weights.layers) - 1:
            return self._chosen(batch, self.model.run(batch.embeddings, replaced={(layer, head): other}))
        # After the last layer nothing reads what a head wrote: its part of the sum is exchanged.
        own = batch.run.layers[layer].output[batch.rows, head, batch.last]
        new = other.output if other.at is None else other.output[batch.rows, batch.last]
        width = own.shape[-1]
        added = (new - own) @ self.model.weights.layers[layer].output[head * width : (head + 1) * width]
        return self._first(batch.run.stream[batch.rows, batch.last] + added)

    def _chosen(self, batch: Batch, run: Run) -> numpy.ndarray:
        return self._first(run.stream[batch.rows, batch.last])

    def _first(self, stream: numpy.ndarray) -> numpy.ndarray:
        """The likeliest words, (texts, width) → (texts,)."""
        words: numpy.ndarray = self.model.logits(stream).argmax(-1)
        return words

    def _batches(self, texts: Sequence[tuple[str, ...]]) -> Iterator[Batch]:
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for begin in range(0, len(order), self.together):
            places = order[begin : begin + self.together]
            longest = len(texts[places[-1]])
            embeddings = numpy.zeros(
                (len(places), longest, self.model.weights.own.shape[1]), self.model.weights.own.dtype
            )
            for row, place in enumerate(places):
                embeddings[row, : len(texts[place])] = self.model.embed(self.model.words(texts[place]))
            last = numpy.array([len(texts[place]) - 1 for place in places])
            yield Batch(numpy.array(places), embeddings, last, self.model.run(embeddings))

    def _gathered(self, of_batch: Callable[[Batch], numpy.ndarray]) -> numpy.ndarray:
        """What ``of_batch`` says of each batch, (…, texts), in the order of all cases, (…, cases)."""
        order = numpy.concatenate([batch.cases for batch in self.batches])
        together = numpy.concatenate([of_batch(batch) for batch in self.batches], axis=-1)
        return together[..., numpy.argsort(order)]

    def _ids(self, words: Sequence[str]) -> numpy.ndarray:
        """−2 where a word is none of the vocabulary: no first choice equals it."""
        return numpy.array([self.model.ids.get(word, -2) for word in words])


def _pair(case: Case) -> Case:
    return Case(case.role, case.pair, case.other_answer, case.true, case.tokens, case.answer, case.hard)
