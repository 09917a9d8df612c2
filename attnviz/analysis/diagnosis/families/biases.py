"""Mistakes of what is added to the scores: relative positions, ALiBi (Press et al. 2021, 2108.12409)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy

from attnviz.analysis.diagnosis.recipe import Array, Recipe
from attnviz.analysis.diagnosis.registry import Fitted, Variant, mistake


def _times(meant: Recipe, factor: float) -> Recipe:
    """The finite numbers of the bias times ``factor``; what it hides stays hidden."""
    bias = meant.bias
    assert bias is not None
    return meant.but(bias=numpy.where(numpy.isfinite(bias), numpy.nan_to_num(bias, neginf=0) * factor, bias))


@mistake("bias-missing")
def bias_missing(meant: Recipe) -> Iterator[Variant]:
    """The bias is not added; with what it hides, or without."""
    if meant.bias is not None:
        yield Variant(_times(meant, 0.0))
        if numpy.isinf(meant.bias).any():
            yield Variant(meant.but(bias=None))


@mistake("bias-negated")
def bias_negated(meant: Recipe) -> Iterator[Variant]:
    """The bias is subtracted."""
    if meant.bias is not None:
        yield Variant(_times(meant, -1.0))


@mistake("bias-scaled")
def bias_scaled(meant: Recipe) -> Iterator[Variant | Fitted]:
    """The bias is multiplied by a number, as by the scale where it is added to the scores too early; or added twice."""
    if meant.bias is not None:
        for factor in dict.fromkeys((meant.scale, 2.0, 1 / (meant.scale or 1.0))):
            if factor != 1:
                yield Variant(_times(meant, factor), factor)
        yield Fitted(lambda factor: _times(meant, factor), (0.1, 0.25, 0.5, 1.5, 2.0, 4.0, -0.5, -2.0))


@mistake("bias-transposed")
def bias_transposed(meant: Recipe) -> Iterator[Variant]:
    """The bias of query and key is that of key and query."""
    if meant.bias is not None and meant.queries == meant.keys:
        yield from _with(meant, meant.bias.swapaxes(2, 3))


@mistake("bias-of-first-head", pairs=False)
def bias_of_first_head(meant: Recipe) -> Iterator[Variant]:
    """All heads, or all items, have the bias of the first."""
    if meant.bias is not None:
        for axis in (0, 1):
            if meant.bias.shape[axis] > 1:
                yield from _with(meant, meant.bias.take([0], axis))


@mistake("bias-heads-reordered")
def bias_heads_reordered(meant: Recipe) -> Iterator[Variant]:
    """The heads have each other's bias: in reverse order, one further, or as if they stood in another order of groups."""
    bias = meant.bias
    if bias is None or bias.shape[1] == 1:
        return
    heads = meant.heads
    orders = [numpy.arange(heads)[::-1], numpy.roll(numpy.arange(heads), 1), numpy.roll(numpy.arange(heads), -1)]
    groups = {meant.key_heads, heads // meant.key_heads, 2, heads // 2} - {0, 1, heads}
    orders += [numpy.arange(heads).reshape(group, -1).T.ravel() for group in groups if heads % group == 0]
    for order in orders:
        yield from _with(meant, bias[:, order])


@mistake("bias-shifted", pairs=False)
def bias_shifted(meant: Recipe) -> Iterator[Variant]:
    """The bias is that of one key further, or one less."""
    bias = meant.bias
    if bias is None or bias.shape[3] == 1:
        return
    for ahead in (False, True):
        parts = [bias[..., :1], bias[..., :-1]] if ahead else [bias[..., 1:], bias[..., -1:]]
        moved = numpy.concatenate(parts, axis=-1)
        yield from _with(meant, numpy.where(numpy.isfinite(bias), numpy.where(numpy.isfinite(moved), moved, 0), bias))


@mistake("bias-after-softmax", pairs=False)
def bias_after_softmax(meant: Recipe) -> Iterator[Variant]:
    """The bias is added to the weights."""
    if meant.bias is not None:
        yield Variant(_times(meant, 0.0).but(added=numpy.where(numpy.isfinite(meant.bias), meant.bias, 0)))


def _with(meant: Recipe, bias: Array) -> Iterator[Variant]:
    if not numpy.array_equal(bias, meant.bias):  # type: ignore[arg-type]  # asked only where there is a bias
        yield Variant(meant.but(bias=bias))
