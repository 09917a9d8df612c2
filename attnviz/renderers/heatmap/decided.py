"""Which picture is drawn: one step of the heads, all steps of one head, or its weights with and without a part of its rule."""

from __future__ import annotations

from attnviz.analysis.across.following import Following
from attnviz.choices import Comparison, DrawnStep, MapStep
from attnviz.errors import AttnvizError
from attnviz.renderers.heatmap.chain import Chain, one_head
from attnviz.renderers.heatmap.picture import Picture, View, decide
from attnviz.trace.selection import Selection
from attnviz.trace.trace import Trace


def decided(
    trace: Trace,
    selection: Selection,
    step: DrawnStep = DrawnStep.WEIGHTS,
    compare: Comparison | None = None,
    title: str | None = None,
    view: View = View(),  # noqa: B008  (immutable)
    named: bool = False,
    following: Following | None = None,
) -> Picture | Chain:
    """The picture of ``selection``; ``named`` says whether a person has chosen its heads, or it holds all there are.

    ``following`` says how attention is followed through its layers; None: each is shown by itself.
    """
    if following is not None:
        from attnviz.renderers.across.picture import decide_across

        return decide_across(trace, selection, following, title, view)
    if compare is not None:
        if step is not DrawnStep.WEIGHTS:
            raise AttnvizError(
                "--compare is of the weights, and --step is {step}", "leave out one of the two", step=step.value
            )
        from attnviz.renderers.heatmap.comparison import decide_comparison

        return decide_comparison(trace, one_head(selection, named, "--compare"), compare, title, view)
    if step is not DrawnStep.ALL:
        return decide(trace, selection, MapStep(step.value), title, view)
    if view.ends != (None, None):
        raise AttnvizError(
            "--step all has a scale for each step, and --vmin and --vmax are of one", "choose one --step"
        )
    from attnviz.renderers.heatmap.all_steps import decide_steps

    return decide_steps(trace, one_head(selection, named, "--step all"), title, view)
