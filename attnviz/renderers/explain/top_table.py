"""The table that a long text gets: the largest weights of a query or of a key, and what the others add up to."""

from __future__ import annotations

import numpy

from attnviz.choices import TOP, MapStep, Step
from attnviz.errors import AttnvizError
from attnviz.renderers.explain.writer import Writer
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.matrix import Matrix
from attnviz.trace.steps import STEPS


def shown_steps(writer: Writer) -> list[Step]:
    """The steps that are columns of the table."""
    steps = [step for step in map(Step, MapStep) if step in writer.steps and STEPS[step].known(writer.layer)]
    if not steps or Step.SUMMED in steps:
        raise AttnvizError(
            "a text this long is shown as the top keys of single queries, or the top queries of a key",
            "choose scores, scaled, masked, weights or contribution with --step; heatmap shows the whole",
        )
    return steps


def largest(values: numpy.ndarray, count: int | None) -> numpy.ndarray:
    """The places of the ``count`` (None: as many as usual) largest values, the largest first; of equals the first."""
    most = min(count or TOP, len(values))
    if not most:
        return numpy.arange(0)
    least = numpy.partition(values, -most)[-most]
    candidates = numpy.flatnonzero(values >= least)  # more than ``most`` where several are the least
    return candidates[numpy.argsort(-values[candidates], kind="stable")[:most]]


def counted(writer: Writer, message: str, count: int, **values: str) -> str:
    """What ``message`` says of ``count`` weights; of a single one there is another."""
    if count == 1:
        message += "_one"
    else:
        values["count"] = str(count)
    return writer.say(message, **values)


def top_table(
    writer: Writer, corner: str, rows: list[str], values: dict[Step, numpy.ndarray], others: int, left: float
) -> Matrix:
    """One row per token, one column per step, (rows,) each; below them what the ``others``, if there are any, weigh together."""
    below = Step.WEIGHTS in values and others > 0
    cells, tints = [], []
    for step, column in values.items():
        column = column.astype(numpy.float64)
        if step is Step.WEIGHTS:
            cells.append(numbers.shares(numpy.append(column, [left] * below), writer.looks.precision))
            tints.append((column / (column.max(initial=0.0) or 1.0)).tolist() + [None] * below)
        else:
            words = numbers.matrix(column[:, None], writer.looks.precision)
            cells.append([word for [word] in words] + [""] * below)
            tints.append([None] * (len(rows) + below))
    rest = writer.say("label.rest_one") if others == 1 else writer.say("label.rest", count=f"{others:,}")
    return Matrix(
        writer.say(corner),
        [*rows, rest] if below else rows,
        [writer.say(f"column.{step.value}") for step in values],
        [list(row) for row in zip(*cells, strict=True)],
        [list(row) for row in zip(*tints, strict=True)],
    )
