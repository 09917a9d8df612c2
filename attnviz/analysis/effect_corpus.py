"""What taking heads away does over many texts: means and deviations of the effects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple

import numpy

from attnviz.analysis.corpus import Head, Running, Value, value_of
from attnviz.analysis.corpus.alike import require_same
from attnviz.analysis.corpus.by_text import MeasuredLayer, TextRows
from attnviz.analysis.corpus.of_heads import OfHeads
from attnviz.analysis.corpus.state_file import member, running_arrays, running_of
from attnviz.analysis.corpus.top_texts import excerpt_of
from attnviz.analysis.effects import LayerEffects, TextEffects
from attnviz.choices import Ablation, Effect
from attnviz.text.display import shown_line
from attnviz.trace.schema import TEXT, TOKENS


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

    def arrays(self, prefix: str) -> dict[str, numpy.ndarray]:
        """Its numbers, by names that begin with ``prefix``."""
        return running_arrays(self.effects, f"{prefix}.effects")

    def values(self, column: int) -> dict[StrEnum, Value]:
        """The effects of one of the heads."""
        return {effect: value_of(self.effects, row, column) for row, effect in enumerate(Effect)}


class EffectStatistics(OfHeads):
    """The effects of the selected heads, text after text.

    ablation what a head's output was replaced with
    metrics  what is shown: where no text asks for an answer, no probability

    What is kept of heads whatever is measured, ``OfHeads`` says; and of the texts themselves, ``Texts``.
    """

    KIND = "effects"
    OPTIONS: ClassVar = {"ablate": TEXT, "answers": TOKENS}
    FALLS = frozenset({Effect.PROBABILITY})  # that falls where a head is needed; the others rise

    _layers: dict[str, _Layer]

    def __init__(self, ablation: Ablation = Ablation.MEAN, quantiles: Iterable[float] = (), top_texts: int = 0) -> None:
        super().__init__(quantiles, top_texts)
        self.ablation = ablation
        self._whole = Running((len(Effect),))
        self._answers: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[Effect, ...]:
        """All effects: a text that comes later may ask for an answer."""
        return tuple(Effect)

    def add(self, found: TextEffects, name: str = "") -> None:
        """The effects on one more text, which is called ``name``: all of them or, where that fails or is interrupted, none."""
        layers = dict(self._layers)
        for one in found.layers:
            before = layers.get(one.layer.title) or _Layer.of(one)
            require_same("head", list(before.heads), list(one.heads))
            layers[one.layer.title] = before._replace(effects=before.effects.plus(one.values))
        answers = () if found.answer is None else (found.answer.label,)
        rows = tuple(MeasuredLayer(one.layer.title, one.layer.number, one.heads, one.values) for one in found.layers)
        self._add(
            TextRows(name or str(self.texts + 1), found.tokens, rows),
            excerpt_of(found.source) if self.top_texts else "",
            found.source,
            _layers=layers,
            _whole=self._whole.plus(found.whole),
            _answers=_some({*self._answers, *answers}),
        )

    def merged(self, other: EffectStatistics) -> EffectStatistics:
        """The texts of both, as if one had added them all; AttnvizError where they were measured of another model, of other
        heads or otherwise."""
        require_same("ablate", self.ablation.value, other.ablation.value)
        require_same("top_texts", self.top_texts, other.top_texts)
        both = self._with_both(other, EffectStatistics(self.ablation, (), self.top_texts))
        vars(both).update(_whole=self._whole.merged(other._whole), _answers=_some({*self._answers, *other._answers}))
        return both

    def _record(self) -> dict[str, Any]:
        return {"ablate": self.ablation.value, "answers": list(self._answers)}

    def _own_arrays(self) -> dict[str, numpy.ndarray]:
        return running_arrays(self._whole, "whole")

    @classmethod
    def _of_record(cls, record: Mapping[str, Any]) -> EffectStatistics:
        ablation = member("ablate", Ablation, record["ablate"])
        statistics = cls(ablation, record["quantiles"], record["top_texts"])
        statistics._answers = _some(record["answers"])
        return statistics

    def _take_arrays(self, record: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]) -> None:
        self._whole = running_of(arrays, "whole", (len(Effect),), self.texts)
        for place, layer in enumerate(record["layers"]):
            shape = len(Effect), len(layer["heads"])
            effects = running_of(arrays, f"layers.{place}.effects", shape, self.texts)
            self._layers[shown_line(layer["title"])] = _Layer(layer["number"], tuple(layer["heads"]), effects)

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
        sketched, shown = self._sketched(), self.metrics
        rows = [
            Head(
                title,
                layer.number,
                head,
                {one: value for one, value in layer.values(column).items() if one in shown},
                **self._beside(sketched, title, column, shown),
            )
            for title, layer in self._layers.items()
            for column, head in enumerate(layer.heads)
        ]
        return rows if sort is None else self.ordered(rows, sort)


def _some(answers: Iterable[str]) -> tuple[str, ...]:
    """Two of them, which is enough to know that there are several."""
    return tuple(sorted(answers)[:2])
