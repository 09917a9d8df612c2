"""What each head does to a model's predictions: how they change when its output is taken away."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy

from attnviz.attention.arrays import Array, as_floating, namespace, to_numpy
from attnviz.attention.formula import log_softmax, softmax
from attnviz.choices import Ablation, Effect
from attnviz.errors import AttnvizError
from attnviz.progress import Progress, no_progress
from attnviz.text.message import Message
from attnviz.trace.ablation import UNKNOWN, Answer, LayerHeads, PredictedText
from attnviz.trace.origin import Origin
from attnviz.trace.selectors import layers_meant, numbers_meant

CELLS = 1 << 22  # of a vocabulary's probabilities that are held at a time beside the logits


class LayerEffects(NamedTuple):
    """The effects of the heads of one layer.

    layer   as it is spoken of
    heads   which of its heads
    values  (effects, heads), in the order of ``Effect``; NaN where there is none
    """

    layer: LayerHeads
    heads: tuple[int, ...]
    values: numpy.ndarray


class TextEffects(NamedTuple):
    """The effects of heads on what a model predicts of one text.

    layers  those whose heads were taken away
    whole   with all heads, (effects,): the loss, and the probability of the answer; the divergence from itself is 0
    answer  whose probability it is; None where the text asks for none
    tokens  how many the text has
    source  where it was read
    """

    layers: tuple[LayerEffects, ...]
    whole: numpy.ndarray
    answer: Answer | None
    tokens: int
    source: Origin


def measure_effects(
    text: PredictedText,
    answer: Answer | None = None,
    ablation: Ablation = Ablation.MEAN,
    *,
    layer: Sequence[str] = (),
    head: Sequence[str] = (),
    report: Progress = no_progress,
) -> TextEffects:
    """How the predictions change when the output of one head at a time, before W_O, is its mean over the text, or 0.

    answer       whose probability is measured; None: the token that the model with all heads thinks likeliest there
    layer, head  numbers and ranges, as selectors.py reads them; nothing means all
    report       is told how many heads are done, of how many

    The loss is the mean of −log p over the tokens of the text that are predicted, in nats. The divergence is KL(p ‖ q),
    in nats, of what is predicted with all heads, p, from what is predicted without one, q: the mean over all
    predictions. Ablation by zero: Michel et al. 2019, "Are Sixteen Heads Really Better than One?" (1905.10650); by the
    mean: Wang et al. 2022, "Interpretability in the Wild" (2211.00593), section 2.1, whose mean is over many texts of one
    pattern, and not over the tokens of the one. AttnvizError where an answer is given and the text has no place for it.
    """
    wanted = _wanted(text, layer, head)
    logits = text.whole()
    meant = _meant(text, logits, answer)
    whole = _Predictions(logits, text, meant)
    groups = [[(place, number)] for place, numbers in wanted for number in numbers]
    values = numpy.full((len(Effect), len(groups)), math.nan)
    for column, changed in enumerate(text.without(groups, ablation)):
        values[:, column] = whole.changes(changed)
        report(column + 1, len(groups))
    return TextEffects(
        tuple(_of_layers(text, wanted, values)), numpy.array([*whole.known, 0.0]), meant, text.tokens, text.source
    )


def _wanted(text: PredictedText, layer: Sequence[str], head: Sequence[str]) -> list[tuple[int, tuple[int, ...]]]:
    """The places of the layers that are meant, and which heads of each."""
    known = [(one.stack, one.number) for one in text.layers]
    places = layers_meant(layer, known, Message("the model"))
    return [(place, _heads(text.layers[place], head)) for place in places]


def _heads(layer: LayerHeads, head: Sequence[str]) -> tuple[int, ...]:
    return numbers_meant("head", head, range(layer.heads), layer.title)


def _meant(text: PredictedText, logits: Array, answer: Answer | None) -> Answer | None:
    """The answer whose probability is measured."""
    if text.asked is None:
        if answer is not None:
            raise AttnvizError(
                "the text has no place for the answer {label}: a model that fills gaps needs one gap in it",
                "write the model's word for a gap once, such as [MASK]",
                label=answer.label,
            )
        return None
    if answer is not None:
        return answer
    likeliest = int(to_numpy(logits[text.asked]).argmax())
    return Answer(likeliest, text.label(likeliest))


def _of_layers(
    text: PredictedText, wanted: Sequence[tuple[int, tuple[int, ...]]], values: numpy.ndarray
) -> Iterator[LayerEffects]:
    start = 0
    for place, heads in wanted:
        yield LayerEffects(text.layers[place], heads, values[:, start : start + len(heads)])
        start += len(heads)


class _Predictions:
    """What a model with all heads predicts, to compare with what it predicts without some."""

    def __init__(self, logits: Array, text: PredictedText, answer: Answer | None) -> None:
        logits = as_floating(logits, "logits")
        self._logs, self._shares = log_softmax(logits), softmax(logits)
        self._places = numpy.flatnonzero(text.targets != UNKNOWN)
        self._targets = text.targets[self._places]
        self._asked = None if answer is None or text.asked is None else (text.asked, answer.number)
        self.known = self._known(logits)  # the loss, and the probability of the answer

    def changes(self, logits: Array) -> list[float]:
        """The change of the loss and of the answer's probability, and the divergence, in the order of ``Effect``."""
        logits = as_floating(logits, "logits")
        known = self._known(logits)
        return [*(now - before for now, before in zip(known, self.known, strict=True)), self._divergence(logits)]

    def _known(self, logits: Array) -> tuple[float, float]:
        return self._loss(logits), self._probability(logits)

    def _loss(self, logits: Array) -> float:
        """NaN where no token is known that should be predicted."""
        if not len(self._places):
            return math.nan
        total = 0.0
        for places, targets in zip(self._parts(self._places, logits), self._parts(self._targets, logits), strict=True):
            rows = log_softmax(logits[places.tolist()])
            total -= float(sum(rows[row, target] for row, target in enumerate(targets.tolist())))
        return total / len(self._places)

    def _probability(self, logits: Array) -> float:
        if self._asked is None:
            return math.nan
        place, number = self._asked
        return float(softmax(logits[place])[number])

    def _divergence(self, logits: Array) -> float:
        xp, total = namespace(logits), 0.0
        for part in self._parts(numpy.arange(len(logits)), logits):
            some = slice(int(part[0]), int(part[-1]) + 1)
            total += float(xp.sum(self._shares[some] * (self._logs[some] - log_softmax(logits[some]))))
        return max(0.0, total / len(logits))  # it is no less, but for the noise of the arithmetic

    def _parts(self, numbers: numpy.ndarray, logits: Array) -> list[numpy.ndarray]:
        size = max(1, CELLS // int(logits.shape[-1]))
        return [numbers[start : start + size] for start in range(0, len(numbers), size)]
