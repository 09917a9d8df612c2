"""Mistakes of the softmax itself: its axis, its total, how often it is done."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy

from attnviz.analysis.diagnosis.recipe import Array, Logits, Moved, Recipe, by_softmax
from attnviz.analysis.diagnosis.registry import Fitted, Variant, mistake
from attnviz.attention.formula import softmax

MOST_SCORES = (
    1 << 23
)  # of a head, all of which are needed where weights are taken along its queries; beyond, it is not tried
NOTHING = 1e-3  # an output times less than this is no output times a number


@mistake("softmax-over-queries")
def softmax_over_queries(meant: Recipe) -> Iterator[Variant]:
    """The weights of a key, and not those of a query, add up to 1."""
    if meant.queries > 1 and meant.queries * meant.keys <= MOST_SCORES:
        yield Variant(meant.but(over="queries"))


@mistake("softmax-over-heads")
def softmax_over_heads(meant: Recipe) -> Iterator[Variant]:
    """The weights of all heads on a key add up to 1."""
    if meant.heads > 1:
        yield Variant(meant.but(over="heads"))


@mistake("softmax-over-items", pairs=False)
def softmax_over_items(meant: Recipe) -> Iterator[Variant]:
    """The weights of all items of the batch add up to 1."""
    if meant.items > 1:
        yield Variant(meant.but(over="items"))


@mistake("heads-averaged", pairs=False)
def heads_averaged(meant: Recipe) -> Iterator[Variant]:
    """All heads have the mean of their weights."""
    if meant.heads > 1:
        yield Variant(meant.but(move=Moved("heads", _mean_of_heads)))


def _mean_of_heads(weights: Array) -> Array:
    return numpy.broadcast_to(weights.mean(1, keepdims=True), weights.shape)


@mistake("weights-transposed", pairs=False)
def weights_transposed(meant: Recipe) -> Iterator[Variant]:
    """The weights of query and key stand where those of key and query belong."""
    if meant.queries == meant.keys > 1 and meant.queries * meant.keys <= MOST_SCORES:
        yield Variant(meant.but(move=Moved("queries", lambda weights: weights.swapaxes(2, 3))))


@mistake("output-scaled", pairs=False)
def output_scaled(meant: Recipe) -> Iterator[Fitted]:
    """All of the output is multiplied by a number."""

    def scaled(factor: float) -> Recipe:
        factor = factor if abs(factor) > NOTHING else 1.0
        return meant.but(weigh=lambda given: meant.weigh(given) * factor)

    yield Fitted(scaled, (0.5, 2.0))


@mistake("output-zero", pairs=False)
def output_zero(meant: Recipe) -> Iterator[Variant]:
    """All of the output is 0: it was never written, as by a kernel that has not run."""
    yield Variant(meant.but(weigh=lambda given: meant.weigh(given) * 0.0))


@mistake("softmax-twice", pairs=False)
def softmax_twice(meant: Recipe) -> Iterator[Variant]:
    """Softmax of the weights; with what is hidden hidden again, or with a share as any other 0."""

    def weigh(given: Logits) -> Array:
        return by_softmax(given._replace(logits=by_softmax(given), sinks=None))

    def weigh_hidden(given: Logits) -> Array:
        weights = numpy.where(numpy.isfinite(given.logits), by_softmax(given), -math.inf)
        return by_softmax(given._replace(logits=weights, sinks=None))

    yield Variant(meant.but(weigh=weigh))
    yield Variant(meant.but(weigh=weigh_hidden))


def exponentials(given: Logits) -> Array:
    """e to the logits less the largest of the row: what softmax divides by its total."""
    weights = by_softmax(given._replace(sinks=None))
    largest = weights.max(-1, keepdims=True)
    shares: Array = weights / numpy.where(largest == 0, 1, largest)
    return shares


@mistake("not-normalised")
def not_normalised(meant: Recipe) -> Iterator[Variant]:
    """The exponentials are not divided by their sum; of the logits as they are, or less the largest of the row."""

    def unshifted(given: Logits) -> Array:
        largest = given.logits.max(-1, keepdims=True)
        factor = numpy.exp(numpy.where(numpy.isfinite(largest), largest, 0))
        return exponentials(given) * factor

    yield Variant(meant.but(weigh=exponentials))
    yield Variant(meant.but(weigh=unshifted))


@mistake("normalised-by-length", pairs=False)
def normalised_by_length(meant: Recipe) -> Iterator[Variant]:
    """The weights are divided by the number of keys beside, or instead of, their sum."""

    def weigh(given: Logits) -> Array:
        return exponentials(given) / meant.keys

    yield Variant(meant.but(weigh=weigh))
    yield Variant(meant.but(weigh=lambda given: by_softmax(given) / meant.keys))


@mistake("softmax-missing", pairs=False)
def softmax_missing(meant: Recipe) -> Iterator[Variant]:
    """The logits themselves are the weights, divided by their sum or not, the negative ones 0 or not; hidden ones are 0."""

    def weigh(given: Logits) -> Array:
        return numpy.where(numpy.isfinite(given.logits), given.logits, 0.0)

    def divided(given: Logits) -> Array:
        weights = weigh(given)
        return weights / weights.sum(-1, keepdims=True)

    def positive(given: Logits) -> Array:
        weights = numpy.maximum(weigh(given), 0.0)
        total = weights.sum(-1, keepdims=True)
        return weights / numpy.where(total == 0, 1, total)

    yield Variant(meant.but(weigh=weigh))
    yield Variant(meant.but(weigh=divided))
    yield Variant(meant.but(weigh=positive))


@mistake("sigmoid-for-softmax", pairs=False)
def sigmoid_for_softmax(meant: Recipe) -> Iterator[Variant]:
    """Each weight is the sigmoid of its own logit; divided by their sum, by the number of keys, or not."""

    def weigh(given: Logits) -> Array:
        return numpy.where(numpy.isfinite(given.logits), 0.5 * (1 + numpy.tanh(given.logits / 2)), 0.0)

    def divided(given: Logits) -> Array:
        weights = weigh(given)
        total = weights.sum(-1, keepdims=True)
        return weights / numpy.where(total == 0, 1, total)

    def shared(given: Logits) -> Array:
        return weigh(given) / numpy.maximum(numpy.isfinite(given.logits).sum(-1, keepdims=True), 1)

    yield from (Variant(meant.but(weigh=way)) for way in (weigh, divided, shared))
    yield Variant(meant.but(weigh=lambda given: weigh(given) / meant.keys))


@mistake("normalised-with-hidden", pairs=False)
def normalised_with_hidden(meant: Recipe) -> Iterator[Variant]:
    """The total counts the exponential of each hidden key as 1: they were set to 0 before, and not after, exponentials."""
    if not meant.hides:
        return

    def weigh(given: Logits) -> Array:
        hidden = ~numpy.isfinite(given.logits)
        zeros = numpy.log(numpy.maximum(hidden.sum(-1, keepdims=True), 1e-300))
        weights: Array = softmax(given.logits, zeros)
        return weights

    yield Variant(meant.but(weigh=weigh))


@mistake("hidden-rows-nan")
def hidden_rows_nan(meant: Recipe) -> Iterator[Variant]:
    """A query that sees no key gets NaN: 0 divided by 0."""
    if _is_blind(meant):
        yield Variant(meant.but(blind=math.nan))


@mistake("hidden-rows-mean")
def hidden_rows_mean(meant: Recipe) -> Iterator[Variant]:
    """A query that sees no key gets the mean of all values: its logits are all equally low."""
    if _is_blind(meant):
        yield Variant(meant.but(blind=None))


def _is_blind(meant: Recipe) -> bool:
    return not bool(meant.seen.any(-1).all())
