"""Maps that follow from each other, side by side, decided as data: the steps of one head, or what a rule changes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy

from attnviz.analysis.maps import Frame, framed, head_maps
from attnviz.choices import MapStep
from attnviz.errors import AttnvizError
from attnviz.renderers.heatmap.picture import MILLIMETRES, Panel, Picture, View, token_labels
from attnviz.renderers.heatmap.wording import Wording
from attnviz.renderers.shared.scale import Scale, scale_of
from attnviz.trace.selection import LayerSelection, Selection
from attnviz.trace.trace import Trace

MOST_CELLS = 200  # across a map: each gets a pixel of its own


class Between(NamedTuple):
    """What leads from a map to the next: a sign ("→" is drawn as an arrow), what stands above it, and below it."""

    sign: str
    above: str = ""
    below: str = ""


class Chain(NamedTuple):
    """Everything that the figure says.

    maps     pictures of one panel each, all of the same queries
    between  what leads from each to the next
    width    of the figure, in inches; None: as wide as a slide
    """

    title: str
    subtitle: str
    maps: tuple[Picture, ...]
    between: tuple[Between, ...]
    width: float | None = None
    dpi: int | None = None

    @property
    def panels(self) -> tuple[Panel, ...]:
        """The panels of all maps."""
        return tuple(panel for one in self.maps for panel in one.panels)

    @property
    def texts(self) -> list[str]:
        """All that is written in it, but numbers."""
        words = [word for one in self.maps for word in (one.title, one.measure, one.blank, *one.axes)]
        labels = [label for one in self.maps for label in (*one.queries, *one.keys)]
        return [self.title, self.subtitle, *words, *labels, *(word for one in self.between for word in one)]


def one_head(selection: Selection, named: bool, what: str) -> LayerSelection:
    """The one head that is drawn: the first, or the one that is ``named``; AttnvizError where several are."""
    first = selection.layers[0]
    if named and selection.heads > 1:
        raise AttnvizError(
            "{what} draws one head, and {heads} are chosen",
            "choose one with --layer N --head N",
            what=what,
            heads=selection.heads,
        )
    return first._replace(heads=first.heads[:1])


class ChainMaker:
    """What the maps of one chain share: their labels, their frame, their words."""

    def __init__(self, trace: Trace, selected: LayerSelection, wording: Wording, view: View) -> None:
        self.trace, self.selected, self.wording, self.view = trace, selected, wording, view
        self.frame: Frame = framed(selected, MOST_CELLS, view.pool)
        self.queries, self.keys = token_labels(trace, selected, self.frame)
        self.axes = wording.say("picture.query"), wording.say("picture.key")

    def map_of(self, selected: LayerSelection, step: MapStep) -> numpy.ndarray:
        """The map of one step of the head, cut or pooled as all are."""
        [values], _ = head_maps(selected, step, self.frame, self.view.report)
        return values

    def picture(
        self, title: str, values: numpy.ndarray, scale: Scale, measure: str, step: MapStep = MapStep.WEIGHTS
    ) -> Picture:
        """One map of queries × keys."""
        return Picture(
            title=title,
            subtitle="",
            panels=(Panel(title, self.selected.heads[0], values),),
            queries=self.queries,
            keys=self.keys,
            step=step,
            scale=scale,
            hidden=bool((values == -math.inf).any()),
            axes=self.axes,
            blank=self.wording.say("picture.hidden"),
            pool=self.view.pool,
            positions=self.selected.ranges,
            cell=self.frame.cell,
            measure=measure,
            width=None if self.view.width is None else self.view.width / MILLIMETRES,
        )

    def step(self, step: MapStep) -> Picture:
        """The map of one step."""
        values = self.map_of(self.selected, step)
        say = self.wording.say
        scale = scale_of([values], step, self.frame.pooled)
        measure = (
            "picture.measure_weights" if step is MapStep.WEIGHTS else "picture.measure_scores"
        )  # which, says its title
        return self.picture(say(f"title.{step.value}"), values, scale, say(measure), step)

    def chain(self, what: str, title: str | None, maps: list[Picture], between: list[Between]) -> Chain:
        """The figure of ``maps``; ``what`` it shows stands in its title, where there is none of a person's own."""
        layer, notes = self.selected.layer, self.wording.notes(self.selected, self.frame)
        facts = [what, *([self.wording.head(layer, self.selected.heads[0])] if layer.heads > 1 else []), *notes]
        own = None if title is None else self.wording.own(title)
        return Chain(
            title=", ".join(facts) if own is None else own,
            subtitle=self.wording.subtitle(self.selected, notes if own is not None else [], None),
            maps=tuple(maps),
            between=tuple(between),
            width=None if self.view.width is None else self.view.width / MILLIMETRES,
            dpi=self.view.dpi,
        )
