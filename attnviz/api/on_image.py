"""The picture over which the public calls lay weights."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attnviz.api.selected import selected, shown
from attnviz.arguments import Chosen, Where, chosen, member, real_number, where
from attnviz.choices import CONTOUR_LIMITS, CONTOURS, OPACITY, OPACITY_LIMITS, Interpolation
from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from attnviz.analysis.across.following import Following
    from attnviz.renderers.on_image.decided import Look, OnImage, Overlay
    from attnviz.trace.trace import Trace


def picture_for(trace: Trace, on_image: Any) -> Any:
    """The picture of Pillow that ``on_image`` is, or names; AttnvizError where it is not the one that ``trace`` is of."""
    if on_image is None:
        return None
    from attnviz.sources.files.pictures import read_picture
    from attnviz.trace.in_picture import in_picture, require_same_size

    in_picture(trace)
    picture = read_picture(on_image) if isinstance(on_image, str | os.PathLike) else on_image
    if not hasattr(picture, "convert"):
        raise AttnvizError(
            "on_image is of type {kind}: expected a file, or a picture of Pillow", kind=type(on_image).__name__
        )
    require_same_size(trace, picture.size)
    return picture.convert("RGB")


def overlaid(
    interpolation: str | None,
    opacity: float | None,
    contour: Iterable[float] | None,
    step: str,
    compare: str | None,
    annotate: bool | None,
) -> Overlay:
    """How weights are laid over a picture; AttnvizError where something else than weights is asked for."""
    from attnviz.renderers.on_image.decided import Overlay

    for name, given in (("step", step != "weights"), ("compare", compare is not None), ("annotate", bool(annotate))):
        if given:
            raise AttnvizError("on_image draws weights on an image, not {name}", "leave out one of the two", name=name)
    shares = tuple(sorted(real_number("contour", share, CONTOUR_LIMITS) for share in contour or ()))
    if len(shares) > CONTOURS:
        raise AttnvizError(
            "contour has {count} shares: at most {most} lines can be told apart", count=len(shares), most=CONTOURS
        )
    how = Interpolation.BILINEAR if interpolation is None else member(Interpolation, interpolation, "interpolation")
    hiding = OPACITY if opacity is None else real_number("opacity", opacity, OPACITY_LIMITS)
    return Overlay(how is Interpolation.BILINEAR, hiding, shares)


def on_picture(
    trace: Trace,
    layer: Chosen,
    head: Chosen,
    query: Where | None,
    key: Where | None,
    skip_special: bool,
    on_image: Any,
    overlay: Overlay,
    look: Look,
    path: str | os.PathLike[str] | None,
    following: Following | None,
) -> OnImage:
    """What is drawn over ``on_image``, moving where ``path`` says so; what is followed through layers does not."""
    from attnviz.renderers.heatmap.attention_figure import MOVING
    from attnviz.renderers.on_image.decided import decide, decide_moving
    from attnviz.trace.in_picture import in_picture

    picture = picture_for(trace, on_image)
    part = in_picture(trace, chosen("layer", layer), where("query", query))
    moves = path is not None and Path(path).suffix.lower().removeprefix(".") in MOVING
    if following is not None:
        if moves:
            raise AttnvizError("what across follows does not move on an image", "save it as .png, .svg or .pdf")
        from attnviz.renderers.on_image.across import decide_across_image

        whole = selected(part, layer, head, query, key, skip_special)
        return decide_across_image(following, part, whole, picture, overlay, look)
    selection = selected(part, shown(part, layer), head, query, key, skip_special)
    return (decide_moving if moves else decide)(part, selection, picture, overlay, look)
