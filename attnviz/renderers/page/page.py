"""One offline HTML page in which a person can walk through attention."""

from __future__ import annotations

from collections.abc import Sequence

from attnviz.attention.threads import numpy_threads
from attnviz.choices import Language, Pool
from attnviz.progress import Notice, Progress, no_notice, no_progress
from attnviz.renderers.page.blobs import Blobs
from attnviz.renderers.page.bundle import document
from attnviz.renderers.page.limits import USUAL, Limits
from attnviz.renderers.page.packing import pack_layers
from attnviz.renderers.page.pooled_maps import PooledLayer, packed_maps, pool_layers
from attnviz.renderers.page.record import make_record
from attnviz.renderers.page.size import needs_pooling, require_hope, too_large, why_pooled
from attnviz.renderers.page.way import add_ways
from attnviz.renderers.shared.labels import name, text_of
from attnviz.trace.selection import LayerSelection, Selection
from attnviz.trace.trace import Trace

TITLE_TOKENS = 12
TITLE_LETTERS = 70
THREADS = 2


def to_html(
    trace: Trace,
    selection: Selection,
    language: Language = Language.EN,
    limits: Limits = USUAL,
    pool: Pool = Pool.MEAN,
    report: Progress = no_progress,
    notice: Notice = no_notice,
) -> str:
    """The page of the selected layers and heads of ``trace``, with the sentences of ``language``.

    It holds all tokens; where the selection leaves some out, it opens without the special ones, and a box brings them back.
    Of a region, of a text with more tokens than the ``limits`` say, and of one whose pairs would take more megabytes than
    they say, it holds only weights, in cells of many tokens where there is not room for all, which show what ``pool`` says;
    ``notice`` is told why, and ``report`` how much of them is done. AttnvizError where the page would take more megabytes
    all the same.
    """
    layers = selection.layers
    pooled = needs_pooling(layers, limits)
    require_hope(layers, limits, pooled)
    if not pooled:
        page = _page(trace, selection, language, limits)
        if len(page) <= limits.size or not needs_pooling(layers, limits, made=len(page)):
            return _of_size(page, layers, limits)
        require_hope(layers, limits, pooled=True)
    if why := why_pooled(layers, limits, pool):
        notice(why)
    maps = pool_layers(selection, limits, pool, report)
    return _of_size(_page(trace, selection, language, limits, maps), layers, limits)


def _page(
    trace: Trace, selection: Selection, language: Language, limits: Limits, pooled: Sequence[PooledLayer] = ()
) -> str:
    """The page, however large: with the ``pooled`` maps, or with every pair."""
    blobs = Blobs()
    with numpy_threads(THREADS) as threads:
        packed = packed_maps(pooled) if pooled else pack_layers(selection.layers, limits, threads.map)
        record = make_record(trace, selection, packed, language, blobs, threads.map, pooled)
        add_ways(record, selection.layers, packed, blobs, limits.room)
        return document(title(trace), language.value, record, blobs.in_base64(threads.map))


def _of_size(page: str, layers: Sequence[LayerSelection], limits: Limits) -> str:
    """``page``, where it takes no more than it may."""
    if len(page) > limits.size:
        raise too_large(layers, len(page), limits)
    return page


def title(trace: Trace) -> str:
    """What a browser's tab says: the beginning of the text."""
    if (text := text_of(trace)) is not None:
        return f"{text if len(text) <= TITLE_LETTERS else text[:TITLE_LETTERS].rstrip() + ' …'} · attnviz"
    tokens = [name(token) for token in trace.tokens[:TITLE_TOKENS]]
    return f"{' '.join(tokens)}{' …' if len(trace.tokens) > TITLE_TOKENS else ''} · attnviz"
