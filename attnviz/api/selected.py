"""The selection that the arguments of a public call mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from attnviz.arguments import Chosen, Where, chosen, where
from attnviz.choices import CONTRIBUTIONS, MeasuredStep, Step
from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from attnviz.analysis.corpus import Statistics
    from attnviz.trace.selection import Selection
    from attnviz.trace.trace import Trace
    from attnviz.trace.weights_of_texts import StartWeighing


def along(trace: Trace, toward: str | None) -> Trace:
    """``trace`` with its contributions along what is asked for."""
    from attnviz.trace.along import along as measured_along

    return measured_along(trace, toward)


def require_contribution(toward: str | None, steps: Iterable[str]) -> None:
    """Refuse a direction where none of ``steps`` is measured along it."""
    if toward is not None and {*CONTRIBUTIONS}.isdisjoint(steps):
        raise AttnvizError("toward is of contributions", "add step='contribution', or leave out toward")


def by_weights_alone(statistics: Statistics, *narrowing: Any) -> StartWeighing | None:
    """What measures texts that a model reads together by their weights alone; None where more is asked for than these, or less than all
    heads and tokens: where any of the options ``narrowing`` is given."""
    whole = all(one is None or one is False or (isinstance(one, tuple | list) and not one) for one in narrowing)
    return statistics.together if whole and statistics.step is MeasuredStep.WEIGHTS else None


def shown(trace: Trace, layer: Chosen) -> Chosen:
    """The layers of a table or a picture: those that are named, or the first."""
    from attnviz.trace.selection import first_layer

    return first_layer(trace) if isinstance(layer, tuple) and not layer else layer


def in_words(trace: Trace, words: bool, layer: Chosen, step: Iterable[str] = ()) -> Trace:
    """``trace`` or, if ``words`` are asked for, these in place of its tokens, of the layers that are meant."""
    if not words:
        return trace
    from attnviz.analysis.words import by_words, require_merging

    require_merging(step)
    return by_words(trace, chosen("layer", layer))


def selected(
    trace: Trace,
    layer: Chosen,
    head: Chosen,
    query: Where | None,
    key: Where | None,
    skip_special: bool,
    steps: Iterable[Step] = (),
) -> Selection:
    """The selection that the arguments of a public call mean for ``trace``."""
    from attnviz.trace.selection import select

    return select(
        trace,
        layer=chosen("layer", layer),
        head=chosen("head", head),
        step=steps,
        query=where("query", query),
        key=where("key", key),
        skip_special=skip_special,
    )
