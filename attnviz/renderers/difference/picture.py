"""The weights of two heads, left and right on one scale, and their difference around 0, decided as data:
heatmap/chain_figure.py draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy

from attnviz.analysis.difference.alignment import Alignment
from attnviz.analysis.difference.result import Difference, HeadDifference
from attnviz.attention.arrays import to_numpy
from attnviz.choices import MapStep
from attnviz.renderers.difference.told import between, long_name, side_name, source_texts
from attnviz.renderers.heatmap.chain import MOST_CELLS, Between, Chain
from attnviz.renderers.heatmap.picture import MILLIMETRES, Panel, Picture, View
from attnviz.renderers.heatmap.wording import LABEL_CELLS, TITLE_CELLS
from attnviz.renderers.shared import facts
from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.numbers import brief
from attnviz.renderers.shared.scale import Scale, scale_of, with_ends
from attnviz.text.display import shorten, shown_line
from attnviz.text.lessons import Lessons, lessons
from attnviz.trace.layer import Layer
from attnviz.trace.slices import some_queries, weighed

LONELY = ("− ", "+ ")  # before a token that only the left text has, or only the right


class Slots(NamedTuple):
    """One axis for two texts: a place for each token of either, those that are the same sharing theirs.

    left, right  the position of each place in that text, −1 where only the other has a token there
    """

    left: numpy.ndarray
    right: numpy.ndarray

    def cut(self, some: slice) -> Slots:
        """Some of the places."""
        return Slots(self.left[some], self.right[some])

    @property
    def shared(self) -> numpy.ndarray:
        """Whether both texts have a token there."""
        return (self.left >= 0) & (self.right >= 0)


def decide(
    found: Difference,
    one: HeadDifference | None = None,
    title: str | None = None,
    view: View = View(),  # noqa: B008  (immutable)
) -> Chain:
    """The picture of a pair of heads; None: of those that are furthest apart.

    Of a long text it shows as much as fits around the largest difference.
    """
    one, words = one or found.heads[0], view.words or lessons(found.language)
    texts, places = found.texts[one.text], one.places
    queries = slots(texts.queries, places.left_queries, places.right_queries)
    keys = slots(texts.keys, places.left_keys, places.right_keys)
    rows, columns = _window(queries.left, one, "query"), _window(keys.left, one, "key")
    drawn = _Drawn(found, one, words, queries.cut(rows), keys.cut(columns), view)
    own = None if title is None else shorten(shown_line(title), TITLE_CELLS)
    lonely = [
        words.say(f"diff.mark_{side}", mark=mark.strip())
        for side, mark, missing in zip(
            ("left", "right"), LONELY, (drawn.queries.right < 0, drawn.queries.left < 0), strict=True
        )
        if missing.any()
    ]
    cut = [
        say(_span(shown.left), words)
        for say, shown, side in ((facts.queries, drawn.queries, queries), (facts.keys, drawn.keys, keys))
        if len(shown.left) < len(side.left)
    ]
    return Chain(
        own or words.say("diff.picture", heads=_capital(between(one, words, long_name)), bits=brief(one.divergence)),
        " · ".join([*source_texts(found, words), *lonely, *cut]),
        tuple(drawn.maps()),
        (Between("−"), Between("=")),
        None if view.width is None else view.width / MILLIMETRES,
        view.dpi,
    )


def slots(alignment: Alignment, left: numpy.ndarray, right: numpy.ndarray) -> Slots:
    """All tokens of both texts in order, where all that can be compared is; else the pairs that are."""
    if len(left) < len(alignment.left):
        return Slots(left, right)
    places: list[tuple[int, int]] = []
    before = (0, 0)
    for pair in [*alignment.pairs, alignment.lengths]:
        places += [(place, -1) for place in range(before[0], pair[0])]
        places += [(-1, place) for place in range(before[1], pair[1])]
        places.append(pair)
        before = pair[0] + 1, pair[1] + 1
    both = numpy.array(places[:-1], dtype=int).reshape(-1, 2)
    return Slots(both[:, 0], both[:, 1])


def _window(left: numpy.ndarray, one: HeadDifference, side: str) -> slice:
    """As many places as fit, around the largest difference."""
    most = one.apart.largest
    middle = 0 if most is None else int(numpy.flatnonzero(left == getattr(most, side))[0])
    start = max(min(middle - MOST_CELLS // 2, len(left) - MOST_CELLS), 0)
    return slice(start, min(start + MOST_CELLS, len(left)))


def _span(positions: numpy.ndarray) -> range:
    """The positions of the left text that are shown."""
    known = positions[positions >= 0].tolist()
    return range(known[0], known[-1] + 1)


class _Drawn:
    """What the three maps share."""

    def __init__(
        self, found: Difference, one: HeadDifference, words: Lessons, queries: Slots, keys: Slots, view: View
    ) -> None:
        self.found, self.one, self.words, self.queries, self.keys, self.view = found, one, words, queries, keys, view
        left, right = one.layers
        traces = found.left.trace, found.right.trace
        self.labels = (
            _labels(queries, traces[0].query_tokens(left), traces[1].query_tokens(right)),
            _labels(keys, traces[0].key_tokens(left), traces[1].key_tokens(right)),
        )

    def maps(self) -> list[Picture]:
        """Left, right and their difference."""
        heads = self.one.left.head, self.one.right.head
        left, right = (
            _weights(layer, head, queries, keys)
            for layer, head, queries, keys in zip(self.one.layers, heads, self.queries, self.keys, strict=True)
        )
        both = [left, right]
        scale = with_ends(scale_of(both, MapStep.WEIGHTS), both, *self.view.ends)
        measure = self.words.say("picture.measure_weights")
        difference = self._difference(left, right)
        largest = float(abs(difference[difference > -math.inf]).max(initial=0.0)) or 1.0
        apart = Scale(-largest, largest, largest, diverging=True, least=-largest)
        titles = (side_name(self.found, number, self.words) for number in (0, 1))
        return [
            *(self._picture(title, values, scale, measure) for title, values in zip(titles, both, strict=True)),
            self._picture(
                self.words.say("picture.difference"),
                difference,
                apart,
                self.words.say("picture.measure_difference"),
                MapStep.SCORES,
            ),
        ]

    def _difference(self, left: numpy.ndarray, right: numpy.ndarray) -> numpy.ndarray:
        """What is hidden on one side has the weight 0 there; −∞ where it is hidden on both, or one text has no such token."""
        shown = [numpy.where(values > -math.inf, values, 0.0) for values in (left, right)]
        told = self.queries.shared[:, None] & self.keys.shared & ((left > -math.inf) | (right > -math.inf))
        return numpy.where(told, shown[0] - shown[1], -math.inf)

    def _picture(
        self, title: str, values: numpy.ndarray, scale: Scale, measure: str, step: MapStep = MapStep.WEIGHTS
    ) -> Picture:
        return Picture(
            title=title,
            subtitle="",
            panels=(Panel(title, self.one.left.head, values),),
            queries=self.labels[0],
            keys=self.labels[1],
            step=step,
            scale=scale,
            hidden=bool((values == -math.inf).any()),
            axes=(self.words.say("picture.query"), self.words.say("picture.key")),
            blank=self.words.say("picture.hidden"),
            positions=(range(len(self.labels[0])), range(len(self.labels[1]))),
            measure=measure,
            width=None if self.view.width is None else self.view.width / MILLIMETRES,
        )


def _weights(layer: Layer, head: int, queries: numpy.ndarray, keys: numpy.ndarray) -> numpy.ndarray:
    """The weights at these places, (queries, keys); −∞ where they are hidden, or the text has no token."""
    values = numpy.full((len(queries), len(keys)), -math.inf)
    there, columns = queries >= 0, keys >= 0
    if there.any() and columns.any():
        first = int(queries[there].min())
        steps = weighed(some_queries(layer, first, int(queries[there].max()) + 1), head)
        cells = numpy.ix_(queries[there] - first, keys[columns])
        weights = to_numpy(steps.weights)[cells].astype(numpy.float64)
        values[numpy.ix_(there, columns)] = numpy.where(to_numpy(steps.hidden)[cells], -math.inf, weights)
    return values


def _labels(places: Slots, left: Sequence[str], right: Sequence[str]) -> tuple[str, ...]:
    """The token of each place; one that only one text has is marked as in a diff."""
    return tuple(
        name(left[one], LABEL_CELLS)
        if one >= 0 and other >= 0
        else LONELY[one < 0] + name(left[one] if one >= 0 else right[other], LABEL_CELLS - 2)
        for one, other in zip(places.left.tolist(), places.right.tolist(), strict=True)
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
