"""The public call that draws."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from attnviz.api.across import following_of, words_across
from attnviz.api.on_image import on_picture, overlaid
from attnviz.api.selected import along, in_words, require_contribution, selected, shown
from attnviz.arguments import Chosen, Where, chosen, member, path_of, real_number, text_of, whole_number
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
from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from attnviz.analysis.across.following import Following
    from attnviz.renderers.heatmap.chain import Chain
    from attnviz.renderers.heatmap.picture import Picture
    from attnviz.renderers.on_image.decided import Look
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
    words: bool = False,
    toward: str | None = None,
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
    on_image: Any = None,
    interpolation: str | None = None,
    opacity: float | None = None,
    contour: Iterable[float] | None = None,
    across: str | None = None,
    heads_as: str | None = None,
    residual: float | None = None,
    axes: Any = None,
) -> Figure:
    """One step of the selected heads of ``trace`` as a picture, as ``attnviz heatmap`` draws it: a figure of matplotlib.

    It shows itself in a notebook. ``path`` saves it as .png, .svg or .pdf, or moving as .gif or .webp; so does ``figure.save``.

    layer, head   numbers and ranges ("0,4-7") or "all"; nothing means the first layer and all heads
    step, toward  "scores", "scaled", "masked", "weights", "contribution", "summed" (along a token's logit, or "@output"); or "all", one head's
    compare       "causal", "scale", "position": one head's weights with and without it, and their difference
    query, key    a token, a position (3 or "@3") or positions ("A:B" or range(A, B)); skip_special hides special tokens
    words, pool   merge the tokens of a word: weights to it are summed, and from it averaged; what a cell of many shows, "mean" or "max"
    title, language, cmap   of the picture (None: what it shows), of its words ("en", "vi"), and a matplotlib colour map; vmin, vmax: the values of its first and its last colour (None: where the values end)
    annotate, dpi, seconds, width   write the values into the cells (None: while they fit); pixels per inch of a PNG, how long a frame is shown, and the millimetres of a figure in print
    on_image      the image that the model has read, a file or a picture of Pillow: the weights of the query are laid over it
    interpolation, opacity, contour   of them: "bilinear" or "nearest", 0 to 1, up to two shares of the weight ([0.5, 0.8])
    across, heads_as, residual   as of ``attnviz.across``; axes, of your own figure: the map is drawn there (of several, an array)
    AttnvizError where there is no such layer, head, step or colour map, the width is too little, or axes are too few.
    """
    _require_of_axes(axes, path=path, dpi=dpi, seconds=seconds, width=width, on_image=on_image)
    require_contribution(toward, [step])
    following = following_of(across, heads_as, residual, step=step != "weights", compare=compare)
    if words:
        trace, layer, head, following = _in_words(trace, layer, head, step, compare, on_image, following)
    else:
        trace = along(trace, toward)
    look, part = _look(title, language, width, vmin, vmax, dpi), (trace, layer, head, query, key, skip_special)
    overlay = on_image is not None and overlaid(interpolation, opacity, contour, step, compare, annotate)
    own = (on_image, overlay, look, path, following) if overlay else (step, compare, pool, look, following)
    picture: Any = on_picture(*part, *own) if overlay else _picture(*part, *own)
    return _drawn(picture, cmap, annotate, look.dpi, seconds, path, axes)


def _drawn(
    picture: Picture | Chain,
    cmap: str | None,
    annotate: bool | None,
    dpi: int | None,
    seconds: float | None,
    path: str | os.PathLike[str] | None,
    axes: Any,
) -> Figure:
    """``picture`` as a figure of its own, saved where there is a path; or in ``axes``."""
    colours = None if cmap is None else text_of("cmap", cmap)
    path = None if path is None else path_of("path", path)
    if axes is not None:
        from attnviz.renderers.heatmap.in_axes import draw_in_axes

        return draw_in_axes(picture, axes, cmap=colours, annotate=annotate)
    from attnviz.renderers.heatmap.heatmap import Heatmap

    return Heatmap(picture, colours, annotate, dpi, _real("seconds", seconds, SECONDS_LIMITS)).figure(path)


def _in_words(
    trace: Trace,
    layer: Chosen,
    head: Chosen,
    step: str,
    compare: str | None,
    on_image: Any,
    following: Following | None,
) -> tuple[Trace, Chosen, Chosen, Following | None]:
    """Words in place of tokens, of the layer that is drawn or of those that are followed; AttnvizError where something else is
    to be drawn."""
    from attnviz.analysis.words import require_merging

    require_merging([step], compare=compare, on_image=on_image)
    if following is not None:
        return words_across(trace, True, layer, head, following)
    layer = shown(trace, layer)
    return in_words(trace, True, layer), layer, head, None


def _require_of_axes(axes: Any, **options: Any) -> None:
    """Refuse what only a figure of attnviz's own has, where ``axes`` are given."""
    for name, value in options.items():
        if axes is not None and value is not None:
            raise AttnvizError("axes are of your own figure, and {name} is not", "leave out one of the two", name=name)


def _look(
    title: str | None,
    language: str,
    width: float | None,
    vmin: float | None,
    vmax: float | None,
    dpi: int | None,
) -> Look:
    """The options that every picture has."""
    from attnviz.renderers.on_image.decided import Look
    from attnviz.text.lessons import lessons

    ends = _real("vmin", vmin, COLOUR_LIMITS), _real("vmax", vmax, COLOUR_LIMITS)
    resolution = None if dpi is None else whole_number("dpi", dpi, DPI_LIMITS)
    named = None if title is None else text_of("title", title)
    words = lessons(member(Language, language, "language"))
    return Look(named, words, _real("width", width, WIDTH_LIMITS), ends, resolution)


def _picture(
    trace: Trace,
    layer: Chosen,
    head: Chosen,
    query: Where | None,
    key: Where | None,
    skip_special: bool,
    step: str,
    compare: str | None,
    pool: str,
    look: Look,
    following: Following | None,
) -> Picture | Chain:
    """The map of the arguments of ``heatmap``, decided."""
    from attnviz.renderers.heatmap.decided import decided
    from attnviz.renderers.heatmap.picture import View

    if following is not None:
        from attnviz.analysis.across.way import in_one_stack

        trace = in_one_stack(trace, chosen("layer", layer))
    selection = selected(trace, layer if following else shown(trace, layer), head, query, key, skip_special).as_region()
    view = View(member(Pool, pool, "pool"), dpi=look.dpi, words=look.words, width=look.width, ends=look.ends)
    drawn, part = member(DrawnStep, step, "step"), None if compare is None else member(Comparison, compare, "compare")
    return decided(trace, selection, drawn, part, look.title, view, named=head != (), following=following)


def _real(name: str, value: float | None, limits: Limits) -> float | None:
    return None if value is None else real_number(name, value, limits)
