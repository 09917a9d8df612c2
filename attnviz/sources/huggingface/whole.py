"""What a model does with many texts when nothing in it is exchanged: where its heads look, what they write, what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
import torch

from attnviz.attention.arrays import to_numpy
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.passes import Batch, Seen, read_all

UNSAID = -1  # in place of an answer's first token where the tokenizer has none
NOTHING = -2  # in place of what a model chooses where it chooses nothing: it equals no answer


class Whole(NamedTuple):
    """What the whole model, nothing exchanged, does with all texts.

    hits    whether a head's largest weight at the question is on the true word, (layers, heads, cases)
    before  at how many tokens it is on the token just before, (layers, heads)
    sums    of each head's outputs before W_O over all tokens, (layers, heads, d_v)
    chosen  the likeliest first token of an answer, (cases,); of a model that predicts nothing NOTHING
    """

    hits: numpy.ndarray
    before: numpy.ndarray
    sums: numpy.ndarray
    chosen: numpy.ndarray


def whole(
    model: Model, shape: tuple[int, int], texts: Sequence[Batch], trues: Sequence[range], sayable: numpy.ndarray | None
) -> Whole:
    """What ``model`` does with ``texts``.

    shape    layers, and heads in each
    trues    the tokens of each text's true word, by its place
    sayable  the tokens that it chooses from; None where it predicts nothing
    """
    looking = _Looking(shape, trues)
    chosen = numpy.full(len(trues), NOTHING)

    def then(batch: Batch, made: Any) -> None:
        if sayable is not None:
            chosen[batch.places] = likeliest(made, sayable)

    read_all(model, texts, looking.at, then, checked=True)
    return Whole(looking.hits, looking.before, looking.sums(), chosen)


def likeliest(made: Any, sayable: numpy.ndarray) -> numpy.ndarray:
    """Which of the tokens ``sayable`` comes next, by what a model made of several texts, (texts,); NOTHING where there is none."""
    logits = made.logits[:, -1]
    if not len(sayable):
        return numpy.full(len(logits), NOTHING)
    places = logits[:, torch.as_tensor(sayable, device=logits.device)].argmax(-1)
    chosen: numpy.ndarray = sayable[to_numpy(places)]
    return chosen


class _Looking:
    """Sums and counts what each layer's heads do."""

    def __init__(self, shape: tuple[int, int], trues: Sequence[range]) -> None:
        self.hits = numpy.zeros((*shape, len(trues)), bool)
        self.before = numpy.zeros(shape, int)
        self._sums: dict[int, numpy.ndarray] = {}  # of each layer (heads, d_v)
        self._true = numpy.array([(tokens.start, tokens.stop) for tokens in trues])

    def at(self, batch: Batch) -> Any:
        """The Visit of one batch."""
        start, stop = self._true[batch.places].T  # (texts,)

        def visit(seen: Seen) -> torch.Tensor:
            largest = to_numpy(seen.weights().argmax(-1))  # (texts, heads, queries)
            asked = largest[:, :, batch.question].T  # (heads, texts)
            self.hits[seen.number, :, batch.places] = ((start <= asked) & (asked < stop)).T
            self.before[seen.number] += (largest[:, :, 1:] == numpy.arange(largest.shape[-1] - 1)).sum((0, 2))
            written = to_numpy(seen.output.double().sum((0, 1)))  # (heads, d_v)
            self._sums[seen.number] = self._sums.get(seen.number, 0.0) + written
            return seen.output

        return visit

    def sums(self) -> numpy.ndarray:
        """(layers, heads, d_v), the largest d_v of all layers; zeros fill up the others."""
        layers = [self._sums[number] for number in range(len(self.hits))]
        width = max(layer.shape[-1] for layer in layers)
        return numpy.stack([numpy.pad(layer, ((0, 0), (0, width - layer.shape[-1]))) for layer in layers])
