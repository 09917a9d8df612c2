"""What the heat map shows, decided as data before anything is drawn: panels, limits, labels, places in inches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from attnviz.arrays import to_numpy
from attnviz.choices import MapStep
from attnviz.errors import AttnvizError
from attnviz.provenance import exactness, largest_error, model_name
from attnviz.selection import Selection
from attnviz.tokens import shorten, shown
from attnviz.trace import Layer, Trace, numbered

TITLE_CELLS = 120  # of a person's own title
LABEL_CELLS = 14  # a longer token is shortened on the axes
TOWERING = 3.0  # times the 99th percentile: from there the largest weights leave the scale
SOURCE_TOKENS = 12  # of the text in the line below the title


class Panel(NamedTuple):
    """One head: its title and its map, (queries, keys), hidden cells −∞."""

    title: str
    head: int
    values: numpy.ndarray


class Picture(NamedTuple):
    """Everything that a heat map says.

    panels    one for each head, all of the same shape
    queries   the label of each row, keys the label of each column
    limits    the smallest and the largest value of the one colour scale
    largest   the largest value, which may lie above the scale (see ``limits_of``)
    diverging whether the scale has a middle, 0, and two arms
    hidden    whether any cell is hidden
    axes      what a row is, and what a column is
    blank     what a hidden cell is called
    """

    title: str
    subtitle: str
    panels: tuple[Panel, ...]
    queries: tuple[str, ...]
    keys: tuple[str, ...]
    step: MapStep
    limits: tuple[float, float]
    largest: float
    diverging: bool
    hidden: bool
    axes: tuple[str, str] = ("query", "key")
    blank: str = "hidden"


def decide(trace: Trace, selection: Selection, step: MapStep = MapStep.WEIGHTS, title: str | None = None) -> Picture:
    """The picture of one step of the selected heads of ``trace``."""
    layers = [part.layer for part in selection.layers]
    queries, keys = _labels(trace.query_tokens(layers[0])), _labels(trace.key_tokens(layers[0]))
    for layer in layers[1:]:
        if (_labels(trace.query_tokens(layer)), _labels(trace.key_tokens(layer))) != (queries, keys):
            raise AttnvizError(
                f"{_both(layers[0], layer)} have different tokens, so they do not share a picture",
                "choose layers of the same tokens with --layer",
            )
    panels = tuple(
        Panel(_panel_title(part.layer, head, len(layers) > 1), head, _map(part.layer, head, step))
        for part in selection.layers
        for head in part.heads
    )
    limits, largest, diverging = limits_of([panel.values for panel in panels], step)
    return Picture(
        title=shorten(shown_line(title), TITLE_CELLS) if title is not None else _title(trace, layers, panels, step),
        subtitle=_subtitle(trace, layers[0]),
        panels=panels,
        queries=queries,
        keys=keys,
        step=step,
        limits=limits,
        largest=largest,
        diverging=diverging,
        hidden=any(bool((panel.values == -math.inf).any()) for panel in panels),
    )


def _both(first: Layer, second: Layer) -> str:
    if first.stack or second.stack:
        return f"{first.title} and {second.title}"
    return f"layers {first.index} and {second.index}"


def shown_line(text: str) -> str:
    """A text of a person's own on one line, its words kept, what cannot be seen written out."""
    return " ".join(shown(word) if word else "" for word in text.split(" "))


def _map(layer: Layer, head: int, step: MapStep) -> Any:
    steps = layer.steps(head)
    values = to_numpy(getattr(steps, step.value)).astype(numpy.float64)
    if step in (MapStep.MASKED, MapStep.WEIGHTS):  # a hidden cell has the weight 0, but it is not a small weight
        values = numpy.where(to_numpy(steps.hidden), -math.inf, values)
    return values


def limits_of(maps: Sequence[numpy.ndarray], step: MapStep) -> tuple[tuple[float, float], float, bool]:
    """One scale for all panels, the largest value, and whether the scale has two arms.

    Weights go from 0 to the largest; scores alike on both sides of 0 if they have both signs. Where a few weights
    (the first rows of a causal map) tower over all others, the scale ends at the 99th percentile, and the colour
    bar says so: else a long text gives a picture of one colour.
    """
    finite = numpy.concatenate([values[numpy.isfinite(values)] for values in maps])
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    if step is MapStep.WEIGHTS:
        usual = float(numpy.quantile(finite, 0.99)) if finite.size else 0.0
        top = high if high <= TOWERING * usual or not usual else float(f"{usual:.1g}")
        return (0.0, top or 1.0), high, False
    if low >= 0:
        return (0.0, high or 1.0), high, False
    side = max(-low, high)
    return (-side, side), side, True


def _labels(tokens: Sequence[str]) -> tuple[str, ...]:
    return tuple(shorten(shown(token), LABEL_CELLS) for token in tokens)


def _panel_title(layer: Layer, head: int, several: bool) -> str:
    title = f"{layer.title.capitalize()} · head {head}" if several else f"Head {head}"
    return title if layer.key.shape[0] == layer.heads else f"{title} · kv {layer.kv_head(head)}"


def _title(trace: Trace, layers: Sequence[Layer], panels: Sequence[Panel], step: MapStep) -> str:
    layer, rules = layers[0], [layer.rule for layer in layers]
    words = {
        MapStep.SCORES: "Attention scores Q Kᵀ",
        MapStep.SCALED: "Scaled attention scores",
        MapStep.MASKED: "Masked attention scores",
        MapStep.WEIGHTS: "Attention weights",
    }
    parts = [words[step]]
    if len(panels) == 1 and layer.heads > 1:
        parts.append(f"{layer.title}, head {panels[0].head}")
    elif len(panels) > 1:
        parts += [layer.title] if len(layers) == 1 and model_name(trace) else []
        parts.append(f"{len(panels)} heads" + (f" of {len(layers)} layers" if len(layers) > 1 else ""))
    parts += ["causal"] if all(rule.causal for rule in rules) else []
    if layer.rule.window is not None and len({rule.window for rule in rules}) == 1:
        parts.append(f"window {layer.rule.window}")
    return ", ".join(parts)


def _subtitle(trace: Trace, layer: Layer) -> str:
    """The text, or the name of the file whose tokens have none but their positions."""
    tokens = trace.query_tokens(layer)
    if "file" in trace.source and tokens in (numbered(len(tokens)), numbered(len(tokens), "q")):
        return shorten(shown_line(str(trace.source["file"])), TITLE_CELLS)
    names = [shorten(shown(token), LABEL_CELLS) for token in tokens[:SOURCE_TOKENS]]
    text = f"“{' '.join(names)}{' …' if len(tokens) > SOURCE_TOKENS else ''}”"
    return " · ".join(part for part in (text, exactness(model_name(trace), largest_error(trace))) if part)
