"""Many questions put to a model of transformers at once: its answers whole, without one head, and with one exchanged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy
import torch

from attnviz.attention.arrays import Array, to_numpy
from attnviz.sources.huggingface.inputs import require_known, require_positions
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.passes import TOGETHER, Batch, Seen, Visit, batches, exchanged, read_all
from attnviz.sources.huggingface.promising import FEW, candidates, estimated_losses
from attnviz.sources.huggingface.whole import NOTHING, UNSAID, Whole, likeliest, whole
from attnviz.sources.huggingface.wording import Cut, cut, first_token
from attnviz.trace.asking import Case, Head


class Answers:
    """The model's answers to ``cases``; this is trace/asking.py's ``Asked``, each word of a case being one or more tokens.

    shape     layers, and heads in each
    predicts  whether the model says what comes next
    together  tokens in one pass

    An answer is known by its first token, as it stands after a space. Of the first tokens of all answers that these cases
    and their minimal pairs have, the model chooses the likeliest: whatever else it would rather say is not looked at.
    """

    def __init__(
        self, model: Model, shape: tuple[int, int], predicts: bool, cases: Sequence[Case], together: int = TOGETHER
    ) -> None:
        self.model, self.shape, self.predicts, self.cases, self.together = model, shape, predicts, cases, together
        self.cuts = [self._cut(case.tokens) for case in cases]
        self.batches = batches([(one.ids, one.question) for one in self.cuts], together)
        self.answers = self._first_tokens([case.answer for case in cases])
        self.others = self._first_tokens([case.other_answer for case in cases])
        self.sayable = numpy.setdiff1d(numpy.concatenate([self.answers, self.others]), [UNSAID])

    def counted(self) -> numpy.ndarray:
        """The hard cases whose two answers the tokenizer has, with different first tokens; of a model of letters few or none."""
        hard = numpy.array([case.hard for case in self.cases])
        counted: numpy.ndarray = (
            hard & (self.answers != UNSAID) & (self.others != UNSAID) & (self.answers != self.others)
        )
        return counted

    def looks(self) -> numpy.ndarray:
        """Whether a head's largest weight at the question is on a token of the true word, (layers, heads, cases)."""
        return self._whole.hits

    def distances(self) -> numpy.ndarray:
        """How many tokens before the question the true word ends and begins, (cases, 2)."""
        trues = [one.words[case.true] for one, case in zip(self.cuts, self.cases, strict=True)]
        return numpy.array(
            [(one.question - true[-1], one.question - true[0]) for one, true in zip(self.cuts, trues, strict=True)]
        )

    def word_before(self) -> numpy.ndarray:
        """At how many tokens a head's largest weight is on the one just before, (layers, heads)."""
        return self._whole.before

    def queries(self) -> int:
        """How many tokens have one before them, special ones included."""
        return sum(len(one.ids) - 1 for one in self.cuts)

    def right(self) -> numpy.ndarray:
        """Whether the answer is likelier than every other answer of these cases, (cases,)."""
        right: numpy.ndarray = self._whole.chosen == self.answers
        return right

    def outputs(self) -> tuple[numpy.ndarray, int]:
        """The sums of each head's outputs before W_O over all tokens, (layers, heads, d_v), and how many tokens."""
        return self._whole.sums, sum(len(one.ids) for one in self.cuts)

    def candidates(self, means: Array) -> list[Head]:
        """All heads of a small model; of a large one those that hit most or promise to be needed most, and drawn ones."""
        if self.shape[0] * self.shape[1] <= FEW:
            return list(numpy.ndindex(self.shape))
        places = numpy.flatnonzero(self.counted())
        texts = batches([(self.cuts[place].ids, self.cuts[place].question) for place in places], self.together)
        losses = estimated_losses(self.model, texts, self.answers[places], self.others[places], means)
        return candidates(self.looks().mean(-1), losses)

    def ablated(self, means: Array, heads: Sequence[Head]) -> numpy.ndarray:
        """``right`` with the output of each of ``heads`` replaced by its mean at every token, (heads, cases)."""
        means = to_numpy(means)

        def without(head: Head, _: Batch) -> Visit:
            return exchanged(head, torch.as_tensor(means[head]))

        right: numpy.ndarray = numpy.array([self._chosen(partial(without, head)) for head in heads]) == self.answers
        return right

    def flipped(self, heads: Sequence[Head]) -> numpy.ndarray:
        """Whether the answer becomes the minimal pair's where a head's output at the question is that pair's, (heads, cases).

        Not where it is the pair's before: a model that guesses between two answers would turn half of them by nothing.
        """
        pairs = Answers(self.model, self.shape, self.predicts, [case.swapped() for case in self.cases], self.together)
        of_pairs = dict(zip(heads, pairs.at_question(heads), strict=True))

        def patched(head: Head, batch: Batch) -> Visit:
            return exchanged(head, of_pairs[head][batch.places], batch.question)

        chosen = numpy.array([self._chosen(partial(patched, head)) for head in heads])
        flipped: numpy.ndarray = (chosen == self.others) & (self._whole.chosen != self.others)
        return flipped

    def at_question(self, heads: Sequence[Head]) -> list[torch.Tensor]:
        """The outputs of ``heads`` at the questions, (cases, d_v) each."""
        found: list[dict[int, torch.Tensor]] = [{} for _ in heads]

        def visit_of(batch: Batch) -> Visit:
            def visit(seen: Seen) -> torch.Tensor:
                for (layer, head), one in zip(heads, found, strict=True):
                    if layer == seen.number:
                        one.update(zip(batch.places, seen.output[:, batch.question, head].cpu(), strict=True))
                return seen.output

            return visit

        read_all(self.model, self.batches, visit_of)
        return [torch.stack([one[place] for place in range(len(self.cases))]) for one in found]

    def rows(self, head: Head) -> list[numpy.ndarray]:
        """A head's weights at each question, summed over each word's tokens; what special tokens take is none of it."""
        layer, number = head
        rows: dict[int, numpy.ndarray] = {}

        def visit_of(batch: Batch) -> Visit:
            def visit(seen: Seen) -> torch.Tensor:
                if seen.number == layer:
                    of_head = seen.weights()[:, number, batch.question].double()  # (texts, keys)
                    rows.update(zip(batch.places, to_numpy(of_head), strict=True))
                return seen.output

            return visit

        read_all(self.model, self.batches, visit_of)
        return [
            numpy.array([rows[place][tokens.start : tokens.stop].sum() for tokens in one.words])
            for place, one in enumerate(self.cuts)
        ]

    @cached_property
    def _whole(self) -> Whole:
        trues = [one.words[case.true] for one, case in zip(self.cuts, self.cases, strict=True)]
        return whole(self.model, self.shape, self.batches, trues, self.sayable if self.predicts else None)

    def _chosen(self, visit_of: Callable[[Batch], Visit]) -> numpy.ndarray:
        """The model's choices, (cases,), where each batch has its visit."""
        chosen = numpy.full(len(self.cases), NOTHING)

        def choose(batch: Batch, made: Any) -> None:
            chosen[batch.places] = likeliest(made, self.sayable)

        read_all(self.model, self.batches, visit_of, choose)
        return chosen

    def _cut(self, words: Sequence[str]) -> Cut:
        """What the model reads of ``words``: a causal one nothing after the question."""
        one = cut(self.model.tokenizer, words)
        if self.predicts:
            one = one._replace(ids=one.ids[: one.question + 1])
        require_positions(self.model.model, len(one.ids))
        require_known(self.model.model, one.ids)
        return one

    def _first_tokens(self, words: Sequence[str]) -> numpy.ndarray:
        """The first token of each of ``words``, or UNSAID."""
        known = {word: first_token(self.model.tokenizer, word) for word in dict.fromkeys(words)}
        return numpy.array([UNSAID if known[word] is None else known[word] for word in words])
