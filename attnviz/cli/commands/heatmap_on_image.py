"""attnviz heatmap --on-image: weights over the picture that a model has read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from attnviz.choices import DrawnStep
from attnviz.cli.input.pictures import overlay_of
from attnviz.cli.input.selected import first_layer, say_if_nothing_hidden, selected
from attnviz.cli.options.heatmap import PictureOptions
from attnviz.cli.options.on_image import OnImageOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions
from attnviz.cli.output.files import deliver, drawn
from attnviz.cli.output.formats import PICTURE_FILE, PictureFormat
from attnviz.cli.output.progress import progress
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

    from attnviz.analysis.across.following import Following
    from attnviz.renderers.on_image.decided import OnImage
    from attnviz.trace.trace import Trace

MOVING = (PictureFormat.GIF, PictureFormat.WEBP)


def draw_on_image(
    trace: Trace,
    image: Image,
    form: PictureFormat,
    part: PartOptions,
    special: SpecialOptions,
    region: RegionOptions,
    picture: PictureOptions,
    options: OnImageOptions,
    following: Following | None = None,
) -> None:
    """Write the weights that the options choose of ``trace``, or what is read through its layers, over ``image``, and print the
    name of the file."""
    _require_weights(picture, form)
    if following is not None and form in MOVING:
        raise UsageError("what --across follows does not move on an image", "write it with -o NAME.png")
    overlay = overlay_of(options)

    from attnviz.renderers.on_image.decided import Look
    from attnviz.text.lessons import lessons
    from attnviz.trace.in_picture import in_picture

    trace = in_picture(trace, part.layer, region.query)
    chosen = selected(
        trace, part, special, region, layer=part.layer or (first_layer(trace) if following is None else [])
    )
    say_if_nothing_hidden(chosen, special)
    look = Look(picture.title, lessons(picture.lang), picture.width, (picture.vmin, picture.vmax), picture.dpi)
    decide_it = _way_of_deciding(form, following)
    with progress("weights", timed=True, counted=False) as line:
        decided = decide_it(trace, chosen, image, overlay, look, lambda done, of: line("weights", done, of))
    output = picture.output or PICTURE_FILE.with_suffix(f".{form.value}")
    deliver([drawn(decided, form.value, picture.cmap, None, picture.dpi, picture.seconds)], output)


def _way_of_deciding(form: PictureFormat, following: Following | None) -> Callable[..., OnImage]:
    """What decides the picture: of one layer at rest or from query to query, or of all that is followed."""
    from attnviz.renderers.on_image.decided import decide, decide_moving

    if following is None:
        return decide_moving if form in MOVING else decide
    from attnviz.renderers.on_image.across import decide_across_image

    return partial(decide_across_image, following)


def _require_weights(picture: PictureOptions, form: PictureFormat) -> None:
    """Refuse what has no meaning for weights on a picture."""
    given = {
        "--step": picture.step is not DrawnStep.WEIGHTS,
        "--compare": picture.compare is not None,
        "--annotate": bool(picture.annotate),
        "--show": picture.show or form is PictureFormat.TERM,
        "--format safetensors": form is PictureFormat.SAFETENSORS,
    }
    for name in (name for name, there in given.items() if there):
        raise UsageError("--on-image draws weights on an image, not {name}", "leave out one of the two", name=name)
