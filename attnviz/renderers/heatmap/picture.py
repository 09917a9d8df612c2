"""What the heat map shows, decided as data before anything is drawn: panels, limits, labels, places in inches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from attnviz.analysis.maps import Frame, framed, head_maps
from attnviz.choices import DPI, MapStep, Pool
from attnviz.errors import AttnvizError
from attnviz.progress import Progress, no_progress
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.choice import last_choice
from attnviz.renderers.shared.labels import file_name, name, round_positions, unnamed, worn
from attnviz.renderers.shared.scale import Scale, scale_of
from attnviz.text.display import shorten, shown_line
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection, Selection
from attnviz.trace.trace import Trace

TITLE_CELLS = 120  # of a person's own title
LABEL_CELLS = 14  # a longer token is shortened on the axes
SOURCE_TOKENS = 12  # of the text in the line below the title
MOST_CELLS, MOST_CELLS_OF_SEVERAL = 1024, 512  # at most, across one panel and across each of several
# Inches of such a panel: each cell gets pixels of its own, or a needle could fall between.
SIDE, SIDE_OF_SEVERAL = 6.9, 3.5
ALL_HIDDEN = "all pairs hidden"  # a map without a single weight is no accident of drawing


class View(NamedTuple):
    """How a long text is looked at.

    pool    what a cell of many pairs shows
    cells   into how many, down and across, what is too long is pooled; None: as many as a figure has pixels
    dpi     pixels per inch of the figure
    report  is told how much is done, of how much
    """

    pool: Pool = Pool.MEAN
    cells: int | None = None
    dpi: int | None = None
    report: Progress = no_progress


class Panel(NamedTuple):
    """One head: its title and its map, (queries, keys), hidden cells −∞; a shorter title, where there is less room; and the
    roles with which its title ends, " · syntax (proved)"."""

    title: str
    head: int
    values: numpy.ndarray
    short_title: str = ""
    roles: str = ""

    @property
    def bare_title(self) -> str:
        """The title without the roles."""
        return self.title.removesuffix(self.roles)


class Picture(NamedTuple):
    """Everything that a heat map says.

    panels    one for each head, all of the same shape
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
    first, layers = selection.layers[0], [selected.layer for selected in selection.layers]
    frame = _frame(trace, selection, view)
    panels, left_out = _panels(trace, selection, step, frame, view.report)
    maps = [panel.values for panel in panels]
    queries, keys = _labels(trace, first, frame)
    notes = _frame_notes(first, frame) + [ALL_HIDDEN] * all((values == -math.inf).all() for values in maps)
    own = None if title is None else shorten(shown_line(title), TITLE_CELLS)
    return Picture(
        title=own if own is not None else ", ".join([_title(trace, layers, panels, step), *notes]),
        subtitle=_subtitle(trace, first, notes if own is not None else [], left_out),
        panels=tuple(panels),
        queries=queries,
        keys=keys,
        step=step,
        scale=scale_of(maps, step, frame.pooled),
        hidden=any(bool((values == -math.inf).any()) for values in maps),
        pool=view.pool,
        dpi=(view.dpi or DPI) if frame.pooled else view.dpi,
        positions=first.ranges if frame.pooled else (first.query_positions, first.key_positions),
        cell=frame.cell,
        shows_positions=_shows_positions(trace, first, frame),
    )


def _panels(
    trace: Trace, selection: Selection, step: MapStep, frame: Frame, report: Progress
) -> tuple[list[Panel], float | None]:
    """A panel for each head, and the mean share of the weights that went to keys which are left out; None: none are."""
    panels: list[Panel] = []
    shares: list[float] = []
    for selected in selection.layers:

        def tell(done: int, of: int, before: int = len(panels), heads: int = len(selected.heads)) -> None:
            report(before * of + done * heads, selection.heads * of)

        found, left_out = head_maps(selected, step, frame, tell)
        layer, several = selected.layer, len(selection.layers) > 1
        panels += [
            _panel(trace, layer, head, values, several) for head, values in zip(selected.heads, found, strict=True)
        ]
        shares += left_out
    return panels, float(numpy.mean(shares)) if shares else None


def _frame(trace: Trace, selection: Selection, view: View) -> Frame:
    """What of the layers is shown, which must have the same tokens."""
    first, *others = selection.layers
    for selected in others:
        if _tokens(trace, selected) != _tokens(trace, first):
            raise AttnvizError(
                f"{_both(first.layer, selected.layer)} have different tokens, so they cannot share a picture",
                "choose layers of the same tokens with --layer",
            )
    most, side = (MOST_CELLS, SIDE) if selection.heads == 1 else (MOST_CELLS_OF_SEVERAL, SIDE_OF_SEVERAL)
    most = min(most, int(side * (view.dpi or DPI)))
    if max(map(len, first.ranges)) > most:
        most = view.cells or most
    return framed(first, most, view.pool)


def _tokens(trace: Trace, selected: LayerSelection) -> tuple[Any, ...]:
    """The tokens along both sides, and which of them are kept."""
    return trace.query_tokens(selected.layer), trace.key_tokens(selected.layer), selected.queries, selected.keys


def _both(first: Layer, second: Layer) -> str:
    if first.stack or second.stack:
        return f"{first.title} and {second.title}"
    return f"layers {first.index} and {second.index}"


def _labels(trace: Trace, selected: LayerSelection, frame: Frame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The labels of rows and of columns: a token each, or of pooled cells some round positions."""
    if frame.pooled:
        return round_positions(selected.ranges[0], frame.cell[0]), round_positions(selected.ranges[1], frame.cell[1])
    queries, keys = trace.query_tokens(selected.layer), trace.key_tokens(selected.layer)
    return (
        tuple(name(queries[query], LABEL_CELLS) for query in selected.query_positions),
        tuple(name(keys[key], LABEL_CELLS) for key in selected.key_positions),
    )


def _shows_positions(trace: Trace, selected: LayerSelection, frame: Frame) -> tuple[bool, bool]:
    """Whether the tokens of a region, along each side, are something else than their positions."""
    if selected.whole or frame.pooled:
        return False, False
    return not unnamed(trace.query_tokens(selected.layer)), not unnamed(trace.key_tokens(selected.layer))


def _frame_notes(selected: LayerSelection, frame: Frame) -> list[str]:
    """What the title says of a map that is not simply of all tokens."""
    notes = []
    if not selected.whole:
        notes = [numbers.span("query", "queries", frame.queries), numbers.span("key", "keys", frame.keys)]
    if frame.pooled:
        notes.append(numbers.pooled_cells(frame.shape, frame.cell, frame.pool))
    return notes


def _panel(trace: Trace, layer: Layer, head: int, values: numpy.ndarray, several: bool) -> Panel:
    title = f"{layer.title.capitalize()} · head {head}" if several else f"Head {head}"
    shared = "" if layer.key.shape[0] == layer.heads else f" · kv {layer.kv_head(head)}"
    roles = worn(trace, layer, head)
    return Panel(title + shared + roles, head, values, _short_title(layer, head, several), roles)


def _short_title(layer: Layer, head: int, several: bool) -> str:
    """As few characters as tell heads apart: H3, of several layers L0H3, of the cross layers of several stacks cr0H3."""
    return f"{layer.stack[:2] or 'L'}{layer.index}H{head}" if several else f"H{head}"


def _title(trace: Trace, layers: Sequence[Layer], panels: Sequence[Panel], step: MapStep) -> str:
    layer, rules = layers[0], [layer.rule for layer in layers]
    names = {
        MapStep.SCORES: "Attention scores Q Kᵀ",
        MapStep.SCALED: "Scaled attention scores",
        MapStep.MASKED: "Masked attention scores",
        MapStep.WEIGHTS: "Attention weights",
    }
    facts = [names[step]]
    if len(panels) == 1 and layer.heads > 1:
        facts.append(f"{layer.title}, head {panels[0].head}{worn(trace, layer, panels[0].head)}")
    elif len(panels) > 1:
        facts += [layer.title] if len(layers) == 1 and trace.source.model_name else []
        facts.append(f"{len(panels)} heads" + (f" of {len(layers)} layers" if len(layers) > 1 else ""))
    facts += ["causal"] if all(rule.causal for rule in rules) else []
    if layer.rule.window is not None and len({rule.window for rule in rules}) == 1:
        facts.append(f"window {layer.rule.window}")
    return ", ".join(facts)


def _subtitle(trace: Trace, selected: LayerSelection, notes: Sequence[str], left_out: float | None) -> str:
    """The text, or the name of the file whose tokens have none but their positions; and what the title does not say."""
    tokens = trace.query_tokens(selected.layer)
    if (file := file_name(trace, tokens)) is not None:
        return " · ".join([shorten(shown_line(file), TITLE_CELLS), *notes])
    names = [name(tokens[query], LABEL_CELLS) for query in selected.query_positions[:SOURCE_TOKENS]]
    if selected.ranges[0].start > 0:
        names.insert(0, "…")
    if len(selected.query_positions) > SOURCE_TOKENS or selected.ranges[0].stop < len(tokens):
        names.append("…")
    text = f"“{' '.join(names)}”"
    facts = text, _choice(trace, selected), *notes, trace.source.exactness, numbers.left_out(left_out)
    return " · ".join(filter(None, facts))


def _choice(trace: Trace, selected: LayerSelection) -> str:
    """The token that a model chose after the last row, which is none itself."""
    if (choice := last_choice(trace, selected)) is None:
        return ""
    return f"then it chose “{choice.token}”{choice.share}"
