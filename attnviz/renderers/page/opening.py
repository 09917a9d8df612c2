"""With the map of which step a page opens, and what the trace must hold for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from attnviz.choices import MapStep, Step
from attnviz.renderers.page.packing import Part
from attnviz.text.message import Message


class Opening(NamedTuple):
    """How a page opens.

    step    whose map it opens with; None: with the overview of all heads, or the weights of the one that there is
    needed  steps without which it is not what was asked for: where a layer has none of them, ``select`` says why
    """

    step: MapStep | None = None
    needed: tuple[Step, ...] = ()


def opening(step: MapStep | None, toward: str | None) -> Opening:
    """How a page opens for which a ``step`` is asked, or a direction ``toward`` which its contributions are measured."""
    if toward is not None:
        return Opening(step or MapStep.CONTRIBUTION, (Step.CONTRIBUTION,))
    return Opening(step, () if step is None else (Step(step.value),))


def missing_step(parts: Sequence[Part], step: MapStep | None) -> str:
    """What a person is told of a page that was to open with ``step`` and holds weights alone; "" of any other."""
    if step in (None, MapStep.WEIGHTS) or any(part.form.computes for part in parts):
        return ""
    return Message("the page holds weights alone, so it opens with these in place of {step}", step=step.value)
