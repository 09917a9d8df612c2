"""Mistakes of the scale, and of the base of the exponential."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy

from attnviz.analysis.diagnosis.recipe import Array, Logits, Recipe
from attnviz.analysis.diagnosis.registry import Fitted, Variant, mistake

STEPS = tuple(2.0 ** (step / 2) for step in range(-14, 15))


@mistake("scale-missing")
def scale_missing(meant: Recipe) -> Iterator[Variant]:
    """The scores go into softmax as they are."""
    if meant.scale != 1:
        yield Variant(meant.but(scale=1.0))


@mistake("scale-value")
def scale_value(meant: Recipe) -> Iterator[Variant | Fitted]:
    """Another scale: 1/d, the root of the model's width, twice, inverted, that of another d, or any."""
    width = meant.dimension
    known = (
        *(1 / width, 1 / math.sqrt(width * meant.heads), meant.scale**2, 1 / (meant.scale or 1.0), math.sqrt(width)),
        *(1 / math.sqrt(width), 1 / math.sqrt(meant.heads), 1 / math.sqrt(meant.value.shape[-1]), float(width)),
        *(1 / math.sqrt(width * meant.key_heads), 1 / math.sqrt(meant.keys), 1 / math.sqrt(meant.queries)),
        *(1 / (width * meant.heads), 0.0, meant.scale / math.sqrt(2), meant.scale * math.sqrt(2), -meant.scale),
    )
    for scale in dict.fromkeys(known):
        if not any(math.isclose(scale, other) for other in (meant.scale, 1.0)):
            yield Variant(meant.but(scale=scale), scale)
    starts = (*(meant.scale * step for step in STEPS), *(-meant.scale * step for step in STEPS[::4]))
    yield Fitted(lambda scale: meant.but(scale=scale), starts)


@mistake("exp2")
def exp2(meant: Recipe) -> Iterator[Variant]:
    """2 to the logits instead of e to them: log₂ e was left out."""
    yield Variant(meant.but(sharpness=meant.sharpness * math.log(2)))
    yield Variant(meant.but(scale=meant.scale * math.log(2)))


@mistake("log2e-with-exp", pairs=False)
def log2e_with_exp(meant: Recipe) -> Iterator[Variant]:
    """The logits are multiplied by log₂ e, as for 2 to them, but e to them is taken."""
    yield Variant(meant.but(sharpness=meant.sharpness / math.log(2)))
    yield Variant(meant.but(scale=meant.scale / math.log(2)))


@mistake("temperature", pairs=False)
def temperature(meant: Recipe) -> Iterator[Fitted]:
    """All logits, and not the scores alone, are multiplied by a number."""
    if meant.bias is not None or meant.sinks is not None or meant.softcap is not None:
        yield Fitted(lambda sharpness: meant.but(sharpness=sharpness), STEPS)


@mistake("scale-after-softmax", pairs=False)
def scale_after_softmax(meant: Recipe) -> Iterator[Variant]:
    """The weights are multiplied by the scale, and not the scores."""
    if meant.scale != 1:

        def weigh(given: Logits) -> Array:
            return meant.weigh(given) * meant.scale

        yield Variant(meant.but(scale=1.0, weigh=weigh))


@mistake("width-cut", pairs=False)
def width_cut(meant: Recipe) -> Iterator[Variant]:
    """The scores sum over the first numbers of query and key alone; the value is how many."""
    width = meant.dimension
    kept = (width // 2, width // 4, 3 * width // 4, 2 ** ((width - 1).bit_length() - 1), width - 1, width - width % 16)
    key = meant.key.astype(float)
    for turn in meant.turn_key:
        key = turn.turned(key)
    for count in dict.fromkeys(kept):
        if 0 < count < width:
            cut = key * (numpy.arange(width) < count)
            yield Variant(meant.but(key=cut, turn_key=()), float(count))
