"""The weights of a generation, step by step, joined to the one map that a single pass over the whole text would have.

The first step reads the prompt, each later one the token that was chosen before it, over the keys that a cache holds: of all
positions so far, of the last ones alone where it slides, or of as many as were set aside, of which the last are unused yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from attnviz.attention.arrays import to_numpy
from attnviz.errors import AttnvizError
from attnviz.sources.weights.handed_out import layers_of


class Joined(NamedTuple):
    """One layer over all steps.

    number   the layer's
    weights  (heads, positions, keys)
    mask     which keys were there when a position ran, (positions, keys); None where all were
    """

    number: int
    weights: numpy.ndarray
    mask: numpy.ndarray | None


def joined(steps: Sequence[Any], item: int | None = None, crossed: bool = False) -> tuple[Joined, ...]:
    """The layers of ``steps``, each a sequence of its layers' arrays, ([batch,] heads, queries, keys).

    ``crossed`` says that the keys are of another text, and so the same in each step.
    """
    read = [layers_of(step, item, f"attentions[{number}]") for number, step in enumerate(steps)]
    if len({tuple(layer.number for layer in step) for step in read}) > 1:
        raise AttnvizError(
            "the steps have {counts} layers: each must have the same",
            counts=", ".join(str(len(step)) for step in read[:8]),
        )
    layers = zip(*read, strict=True)
    join = _crossed if crossed else _grown
    return tuple(join(of_steps[0].number, [to_numpy(one.weights) for one in of_steps]) for of_steps in layers)


def prompt_length(steps: Sequence[Any]) -> int:
    """How many queries the first step has."""
    return int(next(layer.shape[-2] for layer in steps[0] if layer is not None))


def _crossed(index: int, rows: Sequence[numpy.ndarray]) -> Joined:
    _require_alike(index, rows, axes=(0, 2))
    return Joined(index, numpy.concatenate(rows, axis=1), None)


def _grown(index: int, rows: Sequence[numpy.ndarray]) -> Joined:
    """The steps below each other, each at the columns of the positions that its keys are of."""
    _require_alike(index, rows, axes=(0,))
    ends = numpy.cumsum([step.shape[1] for step in rows])
    total = int(ends[-1])
    weights = numpy.zeros((len(rows[0]), total, total), rows[0].dtype)
    mask = numpy.zeros((total, total), dtype=bool)
    for number, (step, end) in enumerate(zip(rows, ends.tolist(), strict=True)):
        kept = _of_positions(index, number, step, end)
        place = slice(end - step.shape[1], end), slice(end - kept.shape[2], end)
        weights[:, *place] = kept
        mask[place] = True
    return Joined(index, weights, None if mask.all() else mask)


def _of_positions(index: int, number: int, step: numpy.ndarray, end: int) -> numpy.ndarray:
    """One step's weights on keys that are positions before ``end``; AttnvizError where the keys cannot be such."""
    keys = step.shape[2]
    if keys <= end and (number or keys == end):
        return step
    if keys > end and not step[:, :, end:].any():  # a cache of a set size, whose rest is unused
        return step[:, :, :end]
    raise AttnvizError(
        "layer {index}: step {number} has {keys} keys, but the text has {end} positions so far",
        "give all steps from the first on, with no cache before them; of keys of another text say kind='cross'",
        index=index,
        number=number,
        keys=keys,
        end=end,
    )


def _require_alike(index: int, rows: Sequence[numpy.ndarray], axes: Sequence[int]) -> None:
    shapes = {tuple(step.shape[axis] for axis in axes) for step in rows}
    if len(shapes) > 1:
        raise AttnvizError(
            "layer {index}: its steps have the shapes {shapes}, which cannot be joined",
            index=index,
            shapes=", ".join(str(step.shape) for step in rows[:6]),
        )
