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
from attnviz.trace.layer_facts import layer_words
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
    pattern, and not over the tokens of the one. AttnvizError where an answer is given and the text has no place for it, and
    where the text is one token, over which each head's mean is what it gives anyway.
    """
    if text.tokens == 1 and ablation is Ablation.MEAN:
        raise AttnvizError(
            "the text is a single token: a head's mean over it is what the head gives there, so nothing would change",
            "give a longer text, or --ablate zero",
        )
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
    return numbers_meant("head", head, range(layer.heads), layer_words(layer.title))


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
        self.known = self._seen(logits)[:2]  # the loss, and the probability of the answer

    def changes(self, logits: Array) -> list[float]:
        """The change of the loss and of the answer's probability, and the divergence, in the order of ``Effect``."""
        loss, probability, divergence = self._seen(as_floating(logits, "logits"))
        return [loss - self.known[0], probability - self.known[1], divergence]

    def _seen(self, logits: Array) -> tuple[float, float, float]:
        """The loss, the probability of the answer, and the divergence from what is predicted with all heads: the vocabulary is
        gone through once for the first and the last. NaN where no token is known that should be predicted, or none is asked for."""
        xp, loss, divergence = namespace(logits), 0.0, 0.0
        for part in self._parts(logits):
            rows = log_softmax(logits[part])
            divergence += float(xp.sum(self._shares[part] * (self._logs[part] - rows)))
            first, end = numpy.searchsorted(self._places, (part.start, part.stop))
            pairs = zip(self._places[first:end].tolist(), self._targets[first:end].tolist(), strict=True)
            loss -= sum(float(rows[place - part.start, target]) for place, target in pairs)
        probability = math.nan
        if self._asked is not None:
            place, number = self._asked
            probability = float(softmax(logits[place])[number])
        mean = loss / len(self._places) if len(self._places) else math.nan
        return (
            mean,
            probability,
            max(0.0, divergence / len(logits)),
        )  # no less than 0, but for the noise of the arithmetic

    def _parts(self, logits: Array) -> list[slice]:
        """Predictions of which so many are held at a time."""
        size = max(1, CELLS // int(logits.shape[-1]))
        return [slice(start, min(start + size, len(logits))) for start in range(0, len(logits), size)]
