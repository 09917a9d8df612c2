"""Effects of heads as they would be measured, made up."""

from __future__ import annotations

import math

import numpy

from attnviz.analysis.effect_corpus import EffectStatistics
from attnviz.analysis.effects import LayerEffects, TextEffects
from attnviz.choices import Ablation
from attnviz.trace.ablation import Answer, LayerHeads
from attnviz.trace.origin import Origin

SOURCE = Origin(kind="model", model="made-up", agreement={"largest_error": 2e-7})
VALUES = numpy.array([[[0.5, -0.25], [-0.125, 0.0], [0.75, 0.00002]], [[1.5, 0.0], [0.25, 0.5], [0.0, 2.0]]])


def made_effects(
    answer: str | None = " Paris", loss: float = 3.5, values: numpy.ndarray = VALUES, tokens: int = 7
) -> TextEffects:
    """The effects of two layers with two heads each, (layers, effects, heads)."""
    layers = tuple(
        LayerEffects(LayerHeads(f"layer {number}", "", number, 2), (0, 1), one) for number, one in enumerate(values)
    )
    chance = math.nan if answer is None else 0.75
    if answer is None:
        layers = tuple(one._replace(values=numpy.where([[0], [1], [0]], math.nan, one.values)) for one in layers)
    return TextEffects(
        layers, numpy.array([loss, chance, 0.0]), None if answer is None else Answer(7, answer), tokens, SOURCE
    )


def gathered(*texts: TextEffects, ablation: Ablation = Ablation.MEAN, top_texts: int = 0) -> EffectStatistics:
    """The statistics of these texts."""
    statistics = EffectStatistics(ablation, top_texts=top_texts)
    for text in texts or [made_effects()]:
        statistics.add(text)
    return statistics
