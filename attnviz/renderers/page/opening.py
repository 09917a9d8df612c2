"""With the map of which step a page opens, and what the trace must hold for it."""

from __future__ import annotations

from typing import NamedTuple

from attnviz.choices import MapStep, Step


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
