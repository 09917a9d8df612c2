"""The two heads that are furthest apart in one offline page, side by side, with all heads that were compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from attnviz.analysis.difference.result import Difference
from attnviz.choices import Language, Pool
from attnviz.progress import Notice, Progress, no_notice, no_progress
from attnviz.renderers.difference.told import side_name, source_texts
from attnviz.renderers.page.beside import Beside
from attnviz.renderers.page.limits import USUAL, Limits
from attnviz.renderers.page.page import to_html as page_html
from attnviz.text.lessons import lessons
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection, Selection
from attnviz.trace.trace import Trace


def to_html(
    found: Difference,
    language: Language | None = None,
    limits: Limits = USUAL,
    pool: Pool = Pool.MEAN,
    report: Progress = no_progress,
    notice: Notice = no_notice,
) -> str:
    """The page of all heads that are shown of ``found``; the arguments are those of a page of one trace."""
    spoken = language or found.language
    sides = _sides(found)
    layers = [one for side in sides for one in side.values()]
    chosen = Selection(tuple(LayerSelection(layer, tuple(sorted(heads))) for layer, heads in layers))
    trace = _joint(found, [layer for layer, _ in layers])
    return page_html(trace, chosen, spoken, limits, pool, report, notice, beside=_beside(found, sides, spoken))


Side = dict[int, tuple[Layer, set[int]]]  # the layers of a trace, by their ids, as the page has them; and which heads


def _sides(found: Difference) -> list[Side]:
    """The layers of the left and of the right, each with its own tokens; of one trace together."""
    sides: list[Side] = [{}, {}]
    one_trace = found.left.trace is found.right.trace
    for head in found.shown:
        for number, (place, layer) in enumerate(zip((head.left, head.right), head.layers, strict=True)):
            side = sides[0 if one_trace else number]
            trace = (found.left, found.right)[number].trace
            side.setdefault(id(layer), (layer if one_trace else _with_tokens(trace, layer), set()))[1].add(place.head)
    return sides


def _with_tokens(trace: Trace, layer: Layer) -> Layer:
    keys = layer.key_tokens if layer.key_tokens is not None or layer.queries != layer.keys else None
    return replace(layer, tokens=trace.query_tokens(layer), key_tokens=keys)


def _joint(found: Difference, layers: Iterable[Layer]) -> Trace:
    """One trace of both; what is known of the left text alone is left out where the right text is another."""
    left = found.left.trace
    if left is found.right.trace:
        return left
    source = left.source if found.tokens.whole else left.source.of_any_text()
    return Trace(left.tokens, tuple(layers), source)


def _beside(found: Difference, sides: list[Side], language: Language) -> Beside:
    words, first = lessons(language), found.shown[0]
    layers = [sides[0], sides[1] or sides[0]]
    opens = (
        (layers[0][id(first.layers[0])][0], first.left.head),
        (layers[1][id(first.layers[1])][0], first.right.head),
    )
    text = " · ".join(source_texts(found, words))
    if found.left.trace is found.right.trace:
        return Beside(text, opens)
    partners = [
        (sides[0][id(one.layers[0])][0], sides[1][id(one.layers[1])][0], *found.texts[one.text]) for one in found.shown
    ]
    names = side_name(found, 0, words), side_name(found, 1, words)
    return Beside(text, opens, names, [layer for layer, _ in sides[1].values()], partners)
