"""One metric of all heads as a map of layers × heads."""

from __future__ import annotations

import math

import numpy

from attnviz.analysis.corpus import Statistics
from attnviz.analysis.metrics import Metric
from attnviz.choices import MapStep, Pool
from attnviz.renderers.heatmap.picture import Panel, Picture
from attnviz.renderers.shared.scale import Scale
from attnviz.renderers.stats.head_table import facts

TITLES = {
    Metric.ENTROPY: "Entropy of the weights (bits)",
    Metric.EVENNESS: "Entropy, in parts of the largest possible",
    Metric.LARGEST: "Largest weight of a query",
    Metric.EFFECTIVE_KEYS: "Effective number of keys",
    Metric.FIRST: "Weight on the first key",
    Metric.SELF: "Weight on the token itself",
    Metric.PREVIOUS: "Weight on the token before",
    Metric.DUPLICATE: "Weight on earlier copies of the token",
    Metric.INDUCTION: "Weight on what followed earlier copies of the token",
    Metric.DISTANCE: "Mean distance (tokens)",
    Metric.NEAR: "Weight on near keys",
    Metric.MASS: "Weight on the keys that are looked at",
}


def decide(statistics: Statistics, metric: Metric, title: str | None = None) -> Picture:
    """The picture: a row a layer, a column a head; a head that is not there, or has no value, is a hidden cell."""
    heads = statistics.heads()
    rows = list(dict.fromkeys(head.layer for head in heads))
    columns = sorted({head.head for head in heads})
    values = numpy.full((len(rows), len(columns)), -math.inf)
    for head in heads:
        mean = head.values[metric].mean
        values[rows.index(head.layer), columns.index(head.head)] = -math.inf if math.isnan(mean) else mean
    largest = float(values.max(initial=0.0, where=values > -math.inf))
    return Picture(
        title=title or TITLES[metric] + (", largest of the queries" if statistics.pool is Pool.MAX else ""),
        subtitle=facts(statistics),
        panels=(Panel("", 0, values),),
        queries=tuple(rows),
        keys=tuple(map(str, columns)),
        step=MapStep.WEIGHTS,
        scale=Scale(0.0, largest or 1.0, largest),
        hidden=bool((values == -math.inf).any()),
        axes=("layer", "head"),
        blank="unknown",
    )
