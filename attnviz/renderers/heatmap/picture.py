"""What the heat map shows, decided as data before anything is drawn: panels, limits, labels, places in inches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from attnviz.analysis.maps import Frame, framed, head_maps
from attnviz.choices import CONTRIBUTIONS, DPI, MapStep, Pool
from attnviz.errors import AttnvizError
from attnviz.progress import Progress, no_progress
from attnviz.renderers.heatmap.wording import LABEL_CELLS, Wording
from attnviz.renderers.shared.labels import name, round_positions, unnamed
from attnviz.renderers.shared.scale import Scale, scale_of, with_ends
from attnviz.text.lessons import Lessons, lessons
from attnviz.text.message import AND, Message, joined
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection, Selection, require_all_heads, require_contributions
from attnviz.trace.trace import Trace

MOST_CELLS, MOST_CELLS_OF_SEVERAL = 1024, 512  # at most, across one panel and across each of several
# Inches of such a panel: each cell gets pixels of its own, or a needle could fall between.
SIDE, SIDE_OF_SEVERAL = 6.9, 3.5
CELLS_SHARE = 0.25  # of a given width that surely is left for the cells
MILLIMETRES = 25.4  # in an inch


class View(NamedTuple):
    """How a long text is looked at.

    pool    what a cell of many pairs shows
    cells   into how many, down and across, what is too long is pooled; None: as many as a figure has pixels
    dpi     pixels per inch of the figure
    report  is told how much is done, of how much
    words   in the language of the reader; None: in English
    width   of the figure, in millimetres; None: what its parts need
    ends    of the scale of the colours, the lower and the upper; None: where the values end
    """

    pool: Pool = Pool.MEAN
    cells: int | None = None
    dpi: int | None = None
    report: Progress = no_progress
    words: Lessons | None = None
    width: float | None = None
    ends: tuple[float | None, float | None] = (None, None)


class Panel(NamedTuple):
    """One head, or all of a layer as one (None): its title and its map, (queries, keys), hidden cells −∞; a shorter title, where
    there is less room; and the roles with which its title ends, " · syntax (proved)"."""

    title: str
    head: int | None
    values: numpy.ndarray
    short_title: str = ""
    roles: str = ""

    @property
    def bare_title(self) -> str:
        """The title without the roles."""
        return self.title.removesuffix(self.roles)


class Picture(NamedTuple):
    """Everything that a heat map says.

    panels    one for each head, or each layer whose heads are one, all of the same shape
    queries   the label of each row, keys the label of each column
    scale     the one scale of their colours
    hidden    whether any cell is hidden
    positions of the tokens along each side, those between the cells' first tokens too; () where there are no tokens
    cell      how many tokens a cell covers, down and across
    shows_positions  whether positions stand beside the tokens of each side: in a region, whose place they do not say
    axes      what a row is, and what a column is
    blank     what a hidden cell is called
    pool      what a cell shows of the pairs that it covers
    dpi       pixels per inch that give each cell pixels of its own; None: any
    measure   what the colour bar measures
    width     of the figure, in inches; None: what its parts need
    """

    title: str
    subtitle: str
    panels: tuple[Panel, ...]
    queries: tuple[str, ...]
    keys: tuple[str, ...]
    step: MapStep
    scale: Scale
    hidden: bool
    axes: tuple[str, str] = ("query", "key")
    blank: str = "hidden"
    pool: Pool = Pool.MEAN
    dpi: int | None = None
    positions: tuple[Sequence[int], Sequence[int]] = ((), ())
    cell: tuple[int, int] = (1, 1)
    shows_positions: tuple[bool, bool] = (False, False)
    measure: str = ""
    width: float | None = None

    @property
    def maps(self) -> tuple[Picture, ...]:
        """All that is drawn with a scale of its own: this alone."""
        return (self,)

    @property
    def pooled(self) -> bool:
        """Whether a cell covers many pairs: then only some cells have labels, round positions that they hold."""
        return self.cell != (1, 1)


def decide(
    trace: Trace,
    selection: Selection,
    step: MapStep = MapStep.WEIGHTS,
    title: str | None = None,
    view: View = View(),  # noqa: B008  (immutable)
) -> Picture:
    """The picture of one step of the selected heads of ``trace``; of a long text, pooled into as many cells as fit."""
    if step in CONTRIBUTIONS:
        require_contributions(trace, selection)
        require_all_heads(selection, step)
    first, layers = selection.layers[0], [selected.layer for selected in selection.layers]
    frame, wording = _frame(trace, selection, step, view), Wording(trace, view.words or lessons())
    panels, left_out = _panels(selection, step, frame, view.report, wording)
    maps = [panel.values for panel in panels]
    queries, keys = token_labels(trace, first, frame)
    notes = wording.notes(first, frame)
    if all((values == -math.inf).all() for values in maps):  # a map without a single weight is no accident of drawing
        notes.append(wording.say("picture.all_hidden"))
    own = None if title is None else wording.own(title)
    usual = ", ".join([wording.title(layers, [panel.head for panel in panels], step), *notes])
    return Picture(
        title=usual if own is None else own,
        subtitle=wording.subtitle(first, notes if own is not None else [], left_out, step),
        panels=tuple(panels),
        queries=queries,
        keys=keys,
        step=step,
        scale=with_ends(scale_of(maps, step, frame.pooled), maps, *view.ends),
        hidden=any(bool((values == -math.inf).any()) for values in maps),
        axes=(wording.say("picture.query"), wording.say("picture.key")),
        blank=wording.say("picture.hidden"),
        pool=view.pool,
        dpi=(view.dpi or DPI) if frame.pooled else view.dpi,
        positions=first.ranges if frame.pooled else (first.query_positions, first.key_positions),
        cell=frame.cell,
        shows_positions=shows_positions(trace, first, frame),
        measure=wording.say(f"picture.measure_{step.value}"),
        width=None if view.width is None else view.width / MILLIMETRES,
    )


def _panels(
    selection: Selection, step: MapStep, frame: Frame, report: Progress, wording: Wording
) -> tuple[list[Panel], float | None]:
    """A panel for each head, and the mean share of the weights that went to keys which are left out; None: none are."""
    panels: list[Panel] = []
    shares: list[float] = []
    count = selection.maps(step)
    for selected in selection.layers:
        heads = selected.maps(step)

        def tell(done: int, of: int, before: int = len(panels), heads: int = len(heads)) -> None:
            report(before * of + done * heads, count * of)

        found, left_out = head_maps(selected, step, frame, tell)
        layer, several = selected.layer, len(selection.layers) > 1
        if not frame.pooled and None not in heads:
            wording.name(selected)
        for head, values in zip(heads, found, strict=True):
            title, roles = wording.panel(layer, head, several)
            panels.append(Panel(title, head, values, _short_title(layer, head, several), roles))
        shares += left_out
    return panels, float(numpy.mean(shares)) if shares else None


def _frame(trace: Trace, selection: Selection, step: MapStep, view: View) -> Frame:
    """What of the layers is shown, which must have the same tokens."""
    first, *others = selection.layers
    for selected in others:
        if _tokens(trace, selected) != _tokens(trace, first):
            raise AttnvizError(
                "{both} have different tokens, so they cannot share a picture",
                "choose layers of the same tokens with --layer",
                both=_both(first.layer, selected.layer),
            )
    most = most_cells(selection.maps(step), view)
    if max(map(len, first.ranges)) > most:
        most = view.cells or most
    return framed(first, most, view.pool)


def most_cells(panels: int, view: View) -> int:
    """How many cells there may be across each of so many panels of a figure."""
    most, side = (MOST_CELLS, SIDE) if panels == 1 else (MOST_CELLS_OF_SEVERAL, SIDE_OF_SEVERAL)
    if view.width is not None:
        side = min(side, CELLS_SHARE * view.width / MILLIMETRES / math.ceil(math.sqrt(panels)))
    return max(min(most, int(side * (view.dpi or DPI))), 1)


def _tokens(trace: Trace, selected: LayerSelection) -> tuple[Any, ...]:
    """The tokens along both sides, and which of them are kept."""
    return trace.query_tokens(selected.layer), trace.key_tokens(selected.layer), selected.queries, selected.keys


def _both(first: Layer, second: Layer) -> str:
    if first.stack or second.stack:
        return joined((first.title, second.title), AND)
    return Message("layers {first} and {second}", first=first.index, second=second.index)


def token_labels(trace: Trace, selected: LayerSelection, frame: Frame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The labels of rows and of columns: a token each, or of pooled cells some round positions."""
    if frame.pooled:
        return round_positions(selected.ranges[0], frame.cell[0]), round_positions(selected.ranges[1], frame.cell[1])
    queries, keys = trace.query_tokens(selected.layer), trace.key_tokens(selected.layer)
    return (
        tuple(name(queries[query], LABEL_CELLS) for query in selected.query_positions),
        tuple(name(keys[key], LABEL_CELLS) for key in selected.key_positions),
    )


def shows_positions(trace: Trace, selected: LayerSelection, frame: Frame) -> tuple[bool, bool]:
    """Whether the tokens of a region, along each side, are something else than their positions."""
    if selected.whole or frame.pooled:
        return False, False
    return not unnamed(trace.query_tokens(selected.layer)), not unnamed(trace.key_tokens(selected.layer))


def _short_title(layer: Layer, head: int | None, several: bool) -> str:
    """As few characters as tell heads apart: H3, of several layers L0H3, of the cross layers of several stacks cr0H3."""
    own = "" if head is None else f"H{head}"
    return f"{layer.stack[:2] or 'L'}{layer.index}{own}" if several or head is None else own
