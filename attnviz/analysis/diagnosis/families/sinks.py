"""Mistakes of sinks: logits that take a share of the weights and have no value (Xiao et al. 2023, 2309.17453)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy

from attnviz.analysis.diagnosis.recipe import Array, Logits, Recipe
from attnviz.analysis.diagnosis.registry import Fitted, Variant, mistake
from attnviz.attention.formula import softmax


@mistake("sinks-missing")
def sinks_missing(meant: Recipe) -> Iterator[Variant]:
    """The sinks take no share."""
    if meant.sinks is not None:
        yield Variant(meant.but(sinks=None))


def without_shift(given: Logits) -> Array:
    """exp(sink) beside exp(logits − the largest of the row): as if the sink were higher by that."""
    largest = numpy.max(given.logits, axis=-1, keepdims=True)
    sinks = given.sinks + numpy.where(numpy.isfinite(largest), largest, 0)
    weights: Array = softmax(given.logits, sinks)
    return weights


@mistake("sinks-not-shifted")
def sinks_not_shifted(meant: Recipe) -> Iterator[Variant]:
    """The largest logit of the row is subtracted from the scores and not from the sink."""
    if meant.sinks is not None:
        yield Variant(meant.but(weigh=without_shift))


@mistake("sinks-scaled", pairs=False)
def sinks_scaled(meant: Recipe) -> Iterator[Variant | Fitted]:
    """The sinks are multiplied by a number, as by the scale, as if they were scores."""
    if meant.sinks is not None:
        sinks = meant.sinks
        if meant.scale != 1:
            yield Variant(meant.but(sinks=sinks * meant.scale), meant.scale)
        yield Fitted(lambda factor: meant.but(sinks=sinks * factor), (0.5, 1.5, 3.0))


@mistake("sinks-negated", pairs=False)
def sinks_negated(meant: Recipe) -> Iterator[Variant]:
    """The sinks are subtracted."""
    if meant.sinks is not None:
        yield Variant(meant.but(sinks=-meant.sinks))


@mistake("sinks-as-exponentials", pairs=False)
def sinks_as_exponentials(meant: Recipe) -> Iterator[Variant]:
    """The sinks are added to the total as they are, and not their exponentials."""
    if meant.sinks is not None and bool((meant.sinks > 0).all()):
        yield Variant(meant.but(sinks=numpy.log(meant.sinks)))
        yield Variant(meant.but(sinks=numpy.log(meant.sinks), weigh=without_shift))


@mistake("sinks-of-first-head", pairs=False)
def sinks_of_first_head(meant: Recipe) -> Iterator[Variant]:
    """All heads have the sink of the first."""
    if meant.sinks is not None and meant.heads > 1:
        yield Variant(meant.but(sinks=numpy.broadcast_to(meant.sinks[:1], meant.sinks.shape)))


@mistake("sinks-heads-reordered", pairs=False)
def sinks_heads_reordered(meant: Recipe) -> Iterator[Variant]:
    """The heads have each other's sinks."""
    if meant.sinks is not None and meant.heads > 1:
        heads = numpy.arange(meant.heads)
        turned = [heads.reshape(shape).T.ravel() for shape in ((meant.key_heads, -1), (-1, meant.key_heads))]
        for order in (heads[::-1], *turned, numpy.roll(heads, 1), numpy.roll(heads, -1)):
            yield Variant(meant.but(sinks=meant.sinks[order]))


@mistake("sinks-per-tile", pairs=False)
def sinks_per_tile(meant: Recipe) -> Iterator[Variant]:
    """Each tile or split of keys adds the sink once more; the value is how often it counts."""
    if meant.sinks is not None:
        for count in range(2, 65):
            yield Variant(meant.but(sinks=meant.sinks + math.log(count)), float(count))


def moved_by_one(given: Logits, ahead: bool) -> Array:
    """The weights with the sink's column at the wrong end, so that each stands one key too far."""
    assert given.sinks is not None
    column = numpy.broadcast_to(given.sinks, (*given.logits.shape[:-1], 1))
    logits = numpy.concatenate([column, given.logits] if ahead else [given.logits, column], axis=-1)
    weights: Array = softmax(logits, None)
    return weights[..., :-1] if ahead else weights[..., 1:]


@mistake("sinks-wrong-column", pairs=False)
def sinks_wrong_column(meant: Recipe) -> Iterator[Variant]:
    """The column of another key, and not that of the sink, is dropped after softmax: the weights stand one key too far."""
    if meant.sinks is not None:
        for ahead in (True, False):
            yield Variant(meant.but(weigh=partial(moved_by_one, ahead=ahead)))


@mistake("sinks-extra", pairs=False)
def sinks_extra(meant: Recipe) -> Iterator[Variant | Fitted]:
    """A sink that was not asked for, as in softmax with 1 added to the total; the value is its logit."""
    if meant.sinks is None:
        none = numpy.ones(meant.heads)
        yield Variant(meant.but(sinks=0 * none), 0.0)
        yield Variant(meant.but(sinks=0 * none, weigh=without_shift), 0.0)
        yield Fitted(lambda logit: meant.but(sinks=logit * none), (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0))
