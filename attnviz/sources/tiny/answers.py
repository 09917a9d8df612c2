"""Many questions put to the tiny model at once: its answers whole, without one head, and with one head's work exchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy

from attnviz.attention.threads import limit_blas
from attnviz.sources.tiny.model import Replaced, Run, TinyModel
from attnviz.trace.asking import Case, Head

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
    """The model's answers to ``cases``, which are run once; what is asked of single heads is computed from there.

    This is trace/asking.py's ``Asked``.
    """

    def __init__(self, model: TinyModel, cases: Sequence[Case], together: int = TOGETHER) -> None:
        self.model, self.cases, self.together = model, cases, together
        self.answers = self._ids([case.answer for case in cases])
        self.others = self._ids([case.other_answer for case in cases])
        with limit_blas(1):  # its threads would wait for each other four times as long as they compute
            self.batches = list(self._batches([case.tokens for case in cases]))

    def counted(self) -> numpy.ndarray:
        """The hard cases whose answers are in the vocabulary."""
        hard = numpy.array([case.hard for case in self.cases])
        counted: numpy.ndarray = hard & (self.answers >= 0) & (self.others >= 0)
        return counted

    def looks(self) -> numpy.ndarray:
        """Whether a head's largest weight at the question is on the true word, (layers, heads, cases)."""
        places = self._gathered(
            lambda batch: numpy.stack(
                [layer.weights[batch.rows, :, batch.last].argmax(-1).T for layer in batch.run.layers]
            )
        )
        hits: numpy.ndarray = places == numpy.array([case.true for case in self.cases])
        return hits

    def distances(self) -> numpy.ndarray:
        """How many words before the question the true word stands, twice, (cases, 2)."""
        return numpy.array([[len(case.tokens) - 1 - case.true] * 2 for case in self.cases])

    def word_before(self) -> numpy.ndarray:
        """At how many tokens a head's largest weight is on the one just before, (layers, heads)."""
        counts = numpy.zeros((len(self.model.weights.layers), self.model.heads), int)
        for batch in self.batches:
            before = numpy.arange(batch.embeddings.shape[1]) - 1  # the first token has none, and looks at no −1
            inside = batch.inside()[:, None]
            counts += numpy.stack(
                [((layer.weights.argmax(-1) == before) & inside).sum((0, 2)) for layer in batch.run.layers]
            )
        return counts

    def queries(self) -> int:
        """How many tokens have one before them."""
        return sum(len(case.tokens) - 1 for case in self.cases)

    def right(self) -> numpy.ndarray:
        """Whether the model's first choice, of all its words, is the answer, (cases,)."""
        return self._gathered(lambda batch: self._chosen(batch, batch.run) == self.answers[batch.cases])

    def outputs(self) -> tuple[numpy.ndarray, int]:
        """The sums of each head's outputs before W_O over all tokens, (layers, heads, d_v), and how many tokens."""
        sums = numpy.zeros((len(self.model.weights.layers), self.model.heads, 1))
        for batch in self.batches:
            inside = batch.inside()
            sums = sums + numpy.stack(
                [
                    numpy.einsum("bhtd,bt->hd", layer.output, inside.astype(layer.output.dtype))
                    for layer in batch.run.layers
                ]
            )
        return sums, sum(len(case.tokens) for case in self.cases)

    def candidates(self, means: numpy.ndarray) -> list[Head]:  # noqa: ARG002  # a large model would choose by them
        """All heads: they are few."""
        return list(numpy.ndindex(len(self.model.weights.layers), self.model.heads))

    def ablated(self, means: numpy.ndarray, heads: Sequence[Head]) -> numpy.ndarray:
        """``right`` with the output of each of ``heads`` replaced by its mean everywhere, (heads, cases)."""
        return self._each(heads, lambda _, head: Replaced(means[head]), self.answers)

    def flipped(self, heads: Sequence[Head]) -> numpy.ndarray:
        """Whether the answer becomes the minimal pair's where a head's output at the question is that pair's, (heads, cases).

        An answer that is the pair's already becomes nothing.
        """
        pairs = Answers(self.model, [case.swapped() for case in self.cases], self.together)
        runs = {batch.cases[0]: batch.run for batch in pairs.batches}  # pairs are as long, so they are batched alike

        def of_pair(batch: Batch, head: Head) -> Replaced:
            layer, number = head
            return Replaced(runs[batch.cases[0]].layers[layer].output[:, number], batch.asked())

        already = self._gathered(lambda batch: self._chosen(batch, batch.run) == self.others[batch.cases])
        flipped: numpy.ndarray = self._each(heads, of_pair, self.others) & ~already
        return flipped

    def rows(self, head: Head) -> list[numpy.ndarray]:
        """A head's weights at each question, one for each word."""
        layer, number = head
        rows = {
            place: batch.run.layers[layer].weights[row, number, last, : last + 1]
            for batch in self.batches
            for row, (place, last) in enumerate(zip(batch.cases, batch.last, strict=True))
        }
        return [rows[place] for place in range(len(self.cases))]

    def _each(
        self, heads: Sequence[Head], other: Callable[[Batch, Head], Replaced], answers: numpy.ndarray
    ) -> numpy.ndarray:
        return self._gathered(
            lambda batch: numpy.array(
                [self._without(batch, *head, other(batch, head)) == answers[batch.cases] for head in heads]
            )
        )

    def _without(self, batch: Batch, layer: int, head: int, other: Replaced) -> numpy.ndarray:
        """The model's first choices with one head's output replaced, (texts,).

        The head's part of the sum is exchanged, and only the layers that read it are run again.
        """
        own = batch.run.layers[layer].output[:, head]
        if layer == len(self.model.weights.layers) - 1:  # only the question's own row is read after it
            own = own[batch.rows, batch.last][:, None]
            new = other.output if other.at is None else other.output[batch.rows, batch.last][:, None]
            stream = batch.run.stream[batch.rows, batch.last][:, None]
            return self._first((stream + self._written(layer, head, new - own))[:, 0])
        change = other.output - own if other.at is None else numpy.where(other.at[..., None], other.output - own, 0)
        stream = batch.run.layers[layer + 1].inputs + self._written(layer, head, change)
        return self._chosen(batch, self.model.run_from(layer + 1, stream))

    def _written(self, layer: int, head: int, output: numpy.ndarray) -> numpy.ndarray:
        """What a head adds to the text by its ``output``, (…, d_v) → (…, width)."""
        width = output.shape[-1]
        added: numpy.ndarray = output @ self.model.weights.layers[layer].output[head * width : (head + 1) * width]
        return added

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
        with limit_blas(1):
            together = numpy.concatenate([of_batch(batch) for batch in self.batches], axis=-1)
        return together[..., numpy.argsort(order)]

    def _ids(self, words: Sequence[str]) -> numpy.ndarray:
        """−2 where a word is none of the vocabulary: no first choice equals it."""
        return numpy.array([self.model.ids.get(word, -2) for word in words])
