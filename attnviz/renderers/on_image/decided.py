"""What is drawn over a picture, decided as data: whose weights, where they lie, on which scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy

from attnviz.analysis.by_key import mean_weights
from attnviz.choices import OPACITY, MapStep
from attnviz.errors import AttnvizError
from attnviz.progress import Progress, no_progress
from attnviz.renderers.heatmap.picture import MILLIMETRES, Panel, Picture
from attnviz.renderers.heatmap.wording import LABEL_CELLS, Wording
from attnviz.renderers.shared import facts
from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.numbers import brief_percent
from attnviz.renderers.shared.scale import Scale, with_ends
from attnviz.text.lessons import Lessons, lessons
from attnviz.trace.boxes import boxes_of_queries
from attnviz.trace.in_picture import require_same_size
from attnviz.trace.layer import WRITING, Layer
from attnviz.trace.layer_facts import layer_words
from attnviz.trace.selection import LayerSelection, Selection
from attnviz.trace.trace import Trace

if TYPE_CHECKING:
    from PIL.Image import Image

CLS = "[CLS]"
MOST_FRAMES = 48  # of more queries, some are left out


class Overlay(NamedTuple):
    """How weights are laid over a picture.

    smooth    whether they change evenly from the middle of one patch to the next, or each patch has one colour
    opacity   of the colours, from 0 to 1
    contours  the shares of the weight on the picture around whose smallest part a line is drawn
    """

    smooth: bool = True
    opacity: float = OPACITY
    contours: tuple[float, ...] = ()


class OnImage(NamedTuple):
    """Everything that is drawn.

    frame    the titles, the scale and the width, as of any heat map; a panel for each head, its values (1, boxes)
    image    the picture
    boxes    of each panel: of the keys that show a part of the picture, (boxes, 4)
    marked   of each panel: the boxes of the query, (0 or 1, 4)
    overlay  how the weights lie over it
    frames   of a picture that moves: the same for each query by itself
    """

    frame: Picture
    image: Image
    boxes: tuple[numpy.ndarray, ...]
    marked: tuple[numpy.ndarray, ...]
    overlay: Overlay
    frames: tuple[OnImage, ...] = ()

    @property
    def title(self) -> str:
        """The title."""
        return self.frame.title

    @property
    def panels(self) -> tuple[Panel, ...]:
        """One for each head."""
        return self.frame.panels

    @property
    def dpi(self) -> int | None:
        """Pixels per inch; None: the usual."""
        return self.frame.dpi


class Look(NamedTuple):
    """The usual options of a picture: its title, its words, its width in millimetres, the ends of its scale, its resolution."""

    title: str | None = None
    words: Lessons | None = None
    width: float | None = None
    ends: tuple[float | None, float | None] = (None, None)
    dpi: int | None = None


def decide(
    trace: Trace,
    selection: Selection,
    image: Image,
    overlay: Overlay = Overlay(),  # noqa: B008  (immutable)
    look: Look = Look(),  # noqa: B008  (immutable)
    report: Progress = no_progress,
) -> OnImage:
    """The weights of the selected heads over ``image``, on average over the queries that are asked for.

    AttnvizError where it is not the picture that was read, or a layer looks at none.
    """
    require_same_size(trace, image.size)
    queries = [asked_queries(trace, selected) for selected in selection.layers]
    made = _decided(trace, selection, image, overlay, look, queries, report)
    return made._replace(frame=made.frame._replace(scale=scale_over([made], look)))


def decide_moving(
    trace: Trace,
    selection: Selection,
    image: Image,
    overlay: Overlay = Overlay(),  # noqa: B008  (immutable)
    look: Look = Look(),  # noqa: B008  (immutable)
    report: Progress = no_progress,
) -> OnImage:
    """The same, and the picture of each query by itself, or of some of many; all of them on one scale."""
    require_same_size(trace, image.size)
    rows = [selected.shown_queries for selected in selection.layers]
    if len({tuple(one) for one in rows}) > 1 or len(rows[0]) < 2:
        raise AttnvizError(
            "a picture that moves goes from query to query", "give several: --query A:B, or leave out --query"
        )
    step = math.ceil(len(rows[0]) / MOST_FRAMES)
    some = rows[0][::step]
    whole = _decided(trace, selection, image, overlay, look, rows)
    frames = []
    for query in some:
        frames.append(_decided(trace, selection, image, overlay, look, [(query,)] * len(rows)))
        report(len(frames), len(some))
    scale = scale_over(frames, look)
    frames = [one._replace(frame=one.frame._replace(scale=scale)) for one in frames]
    return whole._replace(frame=whole.frame._replace(scale=scale), frames=tuple(frames))


def _decided(
    trace: Trace,
    selection: Selection,
    image: Image,
    overlay: Overlay,
    look: Look,
    queries: Sequence[Sequence[int]],
    report: Progress = no_progress,
) -> OnImage:
    """The picture of these ``queries`` of each layer, still without a scale of its own."""
    wording = Wording(trace, look.words or lessons())
    panels, boxes, own, shares = [], [], [], []
    for selected, rows in zip(selection.layers, queries, strict=True):
        shown = keys_in_picture(selected)
        for head in selected.heads:
            weights = mean_weights(selected.layer, head, rows)[shown]
            shares.append(brief_percent(float(weights.sum())))
            panels.append(_panel(wording, selected, head, weights, shares[-1], len(selection.layers) > 1))
            boxes.append(numpy.asarray(selected.layer.boxes[shown], dtype=numpy.float64))
            own.append(marked(selected, rows))
            report(len(panels), selection.heads)
    frame = framed(
        wording,
        _title(wording, selection, look.title, queries[0]),
        _subtitle(wording, shares, overlay),
        panels,
        "on_image.measure",
        look,
    )
    return OnImage(frame, image, tuple(boxes), tuple(own), overlay)


def framed(wording: Wording, title: str, subtitle: str, panels: Sequence[Panel], measure: str, look: Look) -> Picture:
    """What stands around the overlaid ``panels``, still without a scale of its own; ``measure`` names what they are of."""
    return Picture(
        title=title,
        subtitle=subtitle,
        panels=tuple(panels),
        queries=(),
        keys=(),
        step=MapStep.WEIGHTS,
        scale=Scale(0.0, 1.0, 1.0),
        hidden=False,
        dpi=look.dpi,
        measure=wording.say(measure),
        width=None if look.width is None else look.width / MILLIMETRES,
    )


def scale_over(pictures: Sequence[OnImage], look: Look) -> Scale:
    """One scale for the weights of all ``pictures``, from 0 to the largest, or to the ends that are asked for."""
    maps = [panel.values for picture in pictures for panel in picture.panels]
    largest = max(float(values.max()) for values in maps)
    return with_ends(Scale(0.0, largest or 1.0, largest), maps, *look.ends)


def marked(selected: LayerSelection, queries: Sequence[int]) -> numpy.ndarray:
    """The box of the one query, where it shows a part of the picture, (0 or 1, 4)."""
    own = boxes_of_queries(selected.layer)
    if own is None or len(queries) != 1:
        return numpy.empty((0, 4))
    box: numpy.ndarray = own[list(queries)]
    marked: numpy.ndarray = box[~numpy.isnan(box).any(axis=1)]
    return marked


def keys_in_picture(selected: LayerSelection) -> numpy.ndarray:
    """The positions of the keys that show a part of the picture and are looked at."""
    boxes = selected.layer.boxes
    shown = [] if boxes is None else [key for key in selected.shown_keys if not math.isnan(boxes[key, 0])]
    if not shown:
        raise AttnvizError(
            "{layer} looks at no patch whose place in the image is known",
            "choose another layer with --layer",
            layer=layer_words(selected.layer.title),
        )
    return numpy.array(shown)


def asked_queries(trace: Trace, selected: LayerSelection) -> Sequence[int]:
    """The queries that are asked for; else [CLS] where there is one, the last of a text that goes on, or all there are."""
    if selected.narrows_queries:
        return selected.shown_queries
    tokens, own = trace.query_tokens(selected.layer), boxes_of_queries(selected.layer)
    if tokens[0] == CLS:
        return (0,)
    writes = selected.layer.stack in WRITING and (own is None or bool(numpy.isnan(own[:, 0]).any()))
    return (len(tokens) - 1,) if writes and trace.source.text.ids else selected.shown_queries


def _panel(
    wording: Wording, selected: LayerSelection, head: int, weights: numpy.ndarray, share: str, several: bool
) -> Panel:
    """The weights of a head on the picture, (1, boxes), and in its title how much of all that is."""
    title, roles = wording.panel(selected.layer, head, several)
    return Panel(f"{title} · {share}", head, weights[None], f"H{head} · {share}", roles)


def _title(wording: Wording, selection: Selection, own: str | None, queries: Sequence[int]) -> str:
    if own is not None:
        return wording.own(own)
    layer = selection.layers[0].layer
    if len(selection.layers) > 1:
        heads = wording.say("picture.heads_of_layers", heads=selection.heads, layers=len(selection.layers))
    elif selection.heads > 1:
        heads = f"{facts.layer_name(layer.title, wording.words)}, {wording.say('picture.heads', heads=selection.heads)}"
    else:
        heads = wording.head(layer, selection.layers[0].heads[0])
    return f"{wording.say('on_image.title')}, {heads}, {whose(wording, layer, queries)}"


def whose(wording: Wording, layer: Layer, queries: Sequence[int]) -> str:
    """Whose weights they are."""
    if len(queries) == 1:
        query = wording.trace.query_tokens(layer)[queries[0]]
        return wording.say("on_image.query", whose=name(query, LABEL_CELLS))
    return wording.say("on_image.mean", count=f"{len(queries):,}")


def _subtitle(wording: Wording, shares: Sequence[str], overlay: Overlay) -> str:
    source = wording.trace.source
    parts = [
        wording.say("on_image.share", share=shares[0]) if len(shares) == 1 else wording.say("on_image.shares"),
        *lines_told(wording, overlay),
        facts.exactness(source.model_name, source.agreement.largest_error, wording.words),
    ]
    return " · ".join(filter(None, parts))


def lines_told(wording: Wording, overlay: Overlay) -> list[str]:
    """What the lines of ``overlay`` are around."""
    names = ("on_image.solid", "on_image.dashed")
    return [wording.say(name, share=brief_percent(share)) for name, share in zip(names, overlay.contours, strict=False)]
