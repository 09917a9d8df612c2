"""The public call that draws."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from attnviz.api.selected import selected
from attnviz.arguments import Chosen, Where, member, real_number, text_of, whole_number
from attnviz.choices import (
    COLOUR_LIMITS,
    DPI_LIMITS,
    SECONDS_LIMITS,
    WIDTH_LIMITS,
    Comparison,
    DrawnStep,
    Language,
    Limits,
    Pool,
)

if TYPE_CHECKING:
    from attnviz.renderers.heatmap.heatmap import Heatmap
    from attnviz.trace.trace import Trace


def heatmap(
    trace: Trace,
    path: str | os.PathLike[str] | None = None,
    *,
    layer: Chosen = (),
    head: Chosen = (),
    step: str = "weights",
    compare: str | None = None,
    query: Where | None = None,
    key: Where | None = None,
    skip_special: bool = False,
    pool: str = "mean",
    title: str | None = None,
    cmap: str | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    language: str = "en",
    annotate: bool | None = None,
    dpi: int | None = None,
    seconds: float | None = None,
    width: float | None = None,
) -> Heatmap:
    """One step of the selected heads of ``trace`` as a picture, as ``attnviz heatmap`` draws it.

    What comes back is saved as .png, .svg or .pdf, or moving as .gif or .webp, and shows itself in a notebook. With ``path``
    it is saved at once.

    layer, head   numbers and ranges ("0,4-7"); nothing means all
    step          "scores", "scaled", "masked", "weights"; or "all", one head's and its output side by side
    compare       "causal", "scale", "position": one head's weights with and without it, and their difference
    query, key    a token, a position (3 or "@3") or positions ("A:B" or range(A, B))
    skip_special  hide special tokens, and say what they took
    pool          what a cell of many tokens shows: their "mean" or "max"
    title, cmap   of the picture (None: what it shows), and a matplotlib colour map
    vmin, vmax    the values of the first and the last colour; None: where the values end
    language      of its words, "en" or "vi"
    annotate      write the values into the cells; None: while they fit
    dpi, seconds  pixels per inch of a PNG, and how long each frame of a .gif or .webp is shown
    width         of the figure, in millimetres, with no text below 6 points; None: what it needs

    AttnvizError where there is no such layer, head, step or colour map, or the width is too little.
    """
    from attnviz.renderers.heatmap.decided import decided
    from attnviz.renderers.heatmap.heatmap import Heatmap
    from attnviz.renderers.heatmap.picture import View
    from attnviz.text.lessons import lessons

    selection = selected(trace, layer, head, query, key, skip_special).as_region()
    dpi = None if dpi is None else whole_number("dpi", dpi, DPI_LIMITS)
    title, cmap = (None if text is None else text_of(of, text) for of, text in (("title", title), ("cmap", cmap)))
    across = _real("width", width, WIDTH_LIMITS)
    ends = _real("vmin", vmin, COLOUR_LIMITS), _real("vmax", vmax, COLOUR_LIMITS)
    words = lessons(member(Language, language, "language"))
    view = View(member(Pool, pool, "pool"), dpi=dpi, words=words, width=across, ends=ends)
    drawn, part = member(DrawnStep, step, "step"), None if compare is None else member(Comparison, compare, "compare")
    picture = decided(trace, selection, drawn, part, title, view, named=head != ())
    drawing = Heatmap(picture, cmap, annotate, dpi, _real("seconds", seconds, SECONDS_LIMITS))
    if path is not None:
        drawing.save(path)
    return drawing


def _real(name: str, value: float | None, limits: Limits) -> float | None:
    return None if value is None else real_number(name, value, limits)
