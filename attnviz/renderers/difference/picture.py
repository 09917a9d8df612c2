"""The weights of two heads, left and right on one scale, and their difference around 0, decided as data:
heatmap/chain_figure.py draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy

from attnviz.analysis.difference.result import Difference, HeadDifference
from attnviz.analysis.difference.slots import Slots, pooled_maps, slots, whole_maps
from attnviz.choices import MapStep
from attnviz.pooling.tiles import cell_size
from attnviz.renderers.difference.told import between, long_name, side_name, source_texts
from attnviz.renderers.heatmap.chain import MOST_CELLS, Between, Chain
from attnviz.renderers.heatmap.picture import MILLIMETRES, Panel, Picture, View
from attnviz.renderers.heatmap.wording import LABEL_CELLS, TITLE_CELLS
from attnviz.renderers.shared.labels import name, round_positions
from attnviz.renderers.shared.numbers import brief
from attnviz.renderers.shared.scale import TOWERING, Scale, scale_of, with_ends
from attnviz.text.display import shorten, shown_line
from attnviz.text.lessons import Lessons, lessons

CLOSE = 100  # tokens around the largest difference, which have room for those of the other text
LONELY = ("− ", "+ ")  # before a token that only the left text has, or only the right


def decide(
    found: Difference,
    one: HeadDifference | None = None,
    title: str | None = None,
    view: View = View(),  # noqa: B008  (immutable)
) -> Chain:
    """The picture of a pair of heads; None: of those that are furthest apart.

    Of a long text a cell covers many tokens, and shows what ``found.pool`` says: their means and the mean difference, or the
    largest weights and the largest difference.
    """
    one, words = one or found.heads[0], view.words or lessons(found.language)
    queries, keys = _axes(found, one)
    drawn = _Drawn(found, one, words, queries, keys, view)
    own = None if title is None else shorten(shown_line(title), TITLE_CELLS)
    notes = [drawn.cells] if drawn.pooled else drawn.lonely
    return Chain(
        own or words.say("diff.picture", heads=_capital(between(one, words, long_name)), bits=brief(one.divergence)),
        " · ".join([*source_texts(found, words), *notes]),
        tuple(drawn.maps()),
        (Between("−"), Between("=")),
        None if view.width is None else view.width / MILLIMETRES,
        view.dpi,
    )


def pooled_size(found: Difference, one: HeadDifference | None = None) -> tuple[int, int]:
    """How many tokens a cell of the picture covers, down and across: (1, 1) where each pair has its own."""
    one = one or found.heads[0]
    return _size(*_axes(found, one))


def closer(found: Difference) -> tuple[str, str]:
    """What --query and --key take to show what is around the largest difference, each pair in a cell of its own."""
    one = found.heads[0]
    if (most := one.apart.largest) is None:
        return "A:B", "C:D"
    texts = found.texts[one.text]
    return _around(most.query, texts.queries.lengths[0]), _around(most.key, texts.keys.lengths[0])


def _around(position: int, count: int) -> str:
    start = max(min(position - CLOSE // 2, count - CLOSE), 0)
    return f"{start}:{min(start + CLOSE, count)}"


def _axes(found: Difference, one: HeadDifference) -> tuple[Slots, Slots]:
    """The places of the queries and of the keys."""
    texts, places = found.texts[one.text], one.places
    return (
        slots(texts.queries, places.left_queries, places.right_queries),
        slots(texts.keys, places.left_keys, places.right_keys),
    )


def _size(queries: Slots, keys: Slots) -> tuple[int, int]:
    return cell_size(len(queries.left), MOST_CELLS), cell_size(len(keys.left), MOST_CELLS)


class _Drawn:
    """What the three maps share."""

    def __init__(
        self, found: Difference, one: HeadDifference, words: Lessons, queries: Slots, keys: Slots, view: View
    ) -> None:
        self.found, self.one, self.words, self.queries, self.keys, self.view = found, one, words, queries, keys, view
        self.size = _size(queries, keys)
        left, right = one.layers
        traces = found.left.trace, found.right.trace
        self.labels = (
            (_positions(queries, self.size[0]), _positions(keys, self.size[1]))
            if self.pooled
            else (
                _labels(queries, traces[0].query_tokens(left), traces[1].query_tokens(right)),
                _labels(keys, traces[0].key_tokens(left), traces[1].key_tokens(right)),
            )
        )

    @property
    def pooled(self) -> bool:
        """Whether a cell covers many pairs."""
        return self.size != (1, 1)

    @property
    def cells(self) -> str:
        """How many cells there are, and of how many tokens each."""
        down, across = (f"{len(labels):,}" for labels in self.labels)
        high, wide = (f"{one:,}" for one in self.size)
        said = "picture.cells_words" if self.found.left.trace.source.merged else "picture.cells"
        pool = self.words.say(f"picture.{self.found.pool.value}")
        return self.words.say(said, down=down, across=across, high=high, wide=wide, pool=pool)

    @property
    def lonely(self) -> list[str]:
        """What the marks of tokens mean that only one text has."""
        missing = (self.queries.right, self.keys.right), (self.queries.left, self.keys.left)
        return [
            self.words.say(f"diff.mark_{side}", mark=mark.strip())
            for side, mark, axes in zip(("left", "right"), LONELY, missing, strict=True)
            if any((axis < 0).any() for axis in axes)
        ]

    def maps(self) -> list[Picture]:
        """Left, right and their difference."""
        spots = (self.one.layers[0], self.one.left.head), (self.one.layers[1], self.one.right.head)
        axes = self.queries, self.keys
        if self.pooled:
            *both, difference = pooled_maps(*spots, *axes, self.size, self.found.pool, self.view.report)
        else:
            *both, difference = whole_maps(*spots, *axes)
        scale = with_ends(scale_of(both, MapStep.WEIGHTS, self.pooled), both, *self.view.ends)
        measure = self.words.say("picture.measure_weights")
        apart = _around_0(abs(difference[difference > -math.inf]), self.pooled)
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
            pool=self.found.pool,
            positions=(range(len(self.queries.left)), range(len(self.keys.left))),
            cell=self.size,
            measure=measure,
            width=None if self.view.width is None else self.view.width / MILLIMETRES,
        )


def _around_0(sizes: numpy.ndarray, pooled: bool) -> Scale:
    """The scale of differences of these ``sizes``, alike on both sides of 0. In cells of a long text the first few tower over all
    others, as their weights do: it ends before them."""
    largest = float(sizes.max(initial=0.0)) or 1.0
    usual = float(numpy.quantile(sizes, 0.99)) if pooled and sizes.size else 0.0
    end = float(f"{usual:.1g}") if 0 < TOWERING * usual < largest else largest
    return Scale(-end, end, largest, diverging=True, least=-largest)


def _positions(places: Slots, size: int) -> tuple[str, ...]:
    """Round positions of the left text, each at the cell that has it."""
    known = numpy.maximum.accumulate(numpy.maximum(places.left, 0))
    return round_positions(known.tolist(), size)


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
