"""What taking heads away does over many texts: means and deviations of the effects."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from attnviz.analysis.corpus import Head, Running, Value, value_of
from attnviz.analysis.corpus.texts import Texts
from attnviz.analysis.effects import LayerEffects, TextEffects
from attnviz.choices import Ablation, Effect

FALLS = frozenset({Effect.PROBABILITY})  # that falls where a head is needed; the others rise


class _Layer(NamedTuple):
    """A layer: its number, which heads of it, and their effects over the texts so far, (effects, heads)."""

    number: int
    heads: tuple[int, ...]
    effects: Running

    @classmethod
    def of(cls, found: LayerEffects) -> _Layer:
        """The layer of ``found``, without any text."""
        return cls(found.layer.number, found.heads, Running(found.values.shape))

    def values(self, column: int) -> dict[StrEnum, Value]:
        """The effects of one of the heads."""
        return {effect: value_of(self.effects, row, column) for row, effect in enumerate(Effect)}


class EffectStatistics(Texts):
    """The effects of the selected heads, text after text.

    ablation what a head's output was replaced with
    metrics  what is measured: where no text asks for an answer, no probability

    What is counted of the texts themselves, ``Texts`` says.
    """

    def __init__(self, ablation: Ablation = Ablation.MEAN) -> None:
        super().__init__()
        self.ablation = ablation
        self._layers: dict[str, _Layer] = {}
        self._whole = Running((len(Effect),))
        self._answers: tuple[str, ...] = ()  # each once

    def add(self, found: TextEffects) -> None:
        """The effects on one more text."""
        layers = dict(self._layers)
        for one in found.layers:
            before = layers.get(one.layer.title) or _Layer.of(one)
            layers[one.layer.title] = before._replace(effects=before.effects.plus(one.values))
        answers = () if found.answer is None else (found.answer.label,)
        vars(self).update(  # in one step, which nothing can interrupt
            _layers=layers,
            _whole=self._whole.plus(found.whole),
            _answers=tuple(dict.fromkeys((*self._answers, *answers))),
            **self.one_more(found.source, found.tokens),
        )

    @property
    def metrics(self) -> tuple[Effect, ...]:
        """What is measured."""
        return tuple(effect for effect in Effect if effect is not Effect.PROBABILITY or self._answers)

    @property
    def answer(self) -> str | None:
        """The token whose probability is measured, where it is the same in all texts."""
        return self._answers[0] if len(self._answers) == 1 else None

    def whole(self, effect: Effect) -> Value:
        """The loss, or the answer's probability, of the model with all heads."""
        return value_of(self._whole, list(Effect).index(effect))

    def heads(self, sort: Effect | None = None) -> list[Head]:
        """All heads in the order of their layers, or those first without which ``sort`` gets worst: the loss and the
        divergence by their rise, the probability by its fall."""
        rows = [
            Head(title, layer.number, head, {one: layer.values(column)[one] for one in self.metrics})
            for title, layer in self._layers.items()
            for column, head in enumerate(layer.heads)
        ]
        return rows if sort is None else _worst_first(rows, sort)


def _worst_first(rows: Iterable[Head], sort: Effect) -> list[Head]:
    sign = 1 if sort in FALLS else -1

    def place(row: Head) -> float:
        mean = row.values[sort].mean
        return math.inf if math.isnan(mean) else sign * mean

    return sorted(rows, key=place)
