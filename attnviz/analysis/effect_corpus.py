"""What taking heads away does over many texts: means and deviations of the effects."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import numpy

from attnviz.analysis.corpus import Head, Running, Value, value_of
from attnviz.analysis.corpus.alike import require_same
from attnviz.analysis.corpus.layers import LAYERS, both_of, layers_record
from attnviz.analysis.corpus.state_file import (
    Packed,
    member,
    of_file,
    packed,
    require_of,
    require_record,
    running_arrays,
    running_of,
    unpacked,
)
from attnviz.analysis.corpus.texts import TEXTS, Texts
from attnviz.analysis.effects import LayerEffects, TextEffects
from attnviz.choices import Ablation, Effect
from attnviz.text.display import shown_line
from attnviz.trace.schema import TEXT, TOKENS

FIELDS = {"ablate": TEXT, "answers": TOKENS, "layers": LAYERS}
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

    def merged(self, other: _Layer) -> _Layer:
        """The texts of both; AttnvizError where they are of other heads."""
        require_same("layer", self.number, other.number)
        require_same("head", list(self.heads), list(other.heads))
        return self._replace(effects=self.effects.merged(other.effects))

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
        self._answers: tuple[str, ...] = ()

    def add(self, found: TextEffects) -> None:
        """The effects on one more text."""
        layers = dict(self._layers)
        for one in found.layers:
            before = layers.get(one.layer.title) or _Layer.of(one)
            require_same("head", list(before.heads), list(one.heads))
            layers[one.layer.title] = before._replace(effects=before.effects.plus(one.values))
        answers = () if found.answer is None else (found.answer.label,)
        vars(self).update(  # in one step, which nothing can interrupt
            _layers=layers,
            _whole=self._whole.plus(found.whole),
            _answers=_some({*self._answers, *answers}),
            **self.one_more(found.source, found.tokens),
        )

    def merged(self, other: EffectStatistics) -> EffectStatistics:
        """The texts of both, as if one had added them all; AttnvizError where they were measured of another model, of other
        heads or otherwise."""
        require_same("ablate", self.ablation.value, other.ablation.value)
        both, counts = EffectStatistics(self.ablation), self.counts_with(other)
        vars(both).update(
            _layers=both_of(self._layers, other._layers),
            _whole=self._whole.merged(other._whole),
            _answers=_some({*self._answers, *other._answers}),
            **counts,
        )
        return both

    def to_bytes(self) -> bytes:
        """All of it as the bytes of a .stats file, which ``from_bytes`` reads: safetensors, never pickled."""
        record = {"ablate": self.ablation.value, "answers": list(self._answers), **self.texts_record()}
        arrays = running_arrays(self._whole, "whole")
        for place, layer in enumerate(self._layers.values()):
            arrays |= running_arrays(layer.effects, f"layers.{place}.effects")
        return packed(Packed("effects", {**record, "layers": layers_record(self._layers)}, arrays))

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> EffectStatistics:
        """What ``to_bytes`` wrote; AttnvizError, which calls it ``name``, where it is none, or damaged."""
        return cls.of_packed(unpacked(content, name), name)

    @classmethod
    def of_packed(cls, content: Packed, name: str) -> EffectStatistics:
        """The same of a file that has been unpacked."""
        with of_file(name):
            require_of(content, "effects")
            require_record(content.record, FIELDS | TEXTS)
            return cls._of_record(content.record, content.arrays)

    @classmethod
    def _of_record(cls, record: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]) -> EffectStatistics:
        statistics = cls(member("ablate", Ablation, record["ablate"]))
        statistics.take_texts(record)
        statistics._answers = _some(record["answers"])
        statistics._whole = running_of(arrays, "whole", (len(Effect),), statistics.texts)
        for place, layer in enumerate(record["layers"]):
            shape = len(Effect), len(layer["heads"])
            effects = running_of(arrays, f"layers.{place}.effects", shape, statistics.texts)
            statistics._layers[shown_line(layer["title"])] = _Layer(layer["number"], tuple(layer["heads"]), effects)
        return statistics

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


def _some(answers: Iterable[str]) -> tuple[str, ...]:
    """Two of them, which is enough to know that there are several."""
    return tuple(sorted(answers)[:2])


def _worst_first(rows: Iterable[Head], sort: Effect) -> list[Head]:
    sign = 1 if sort in FALLS else -1

    def place(row: Head) -> float:
        mean = row.values[sort].mean
        return math.inf if math.isnan(mean) else sign * mean

    return sorted(rows, key=place)
