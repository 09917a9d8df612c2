"""One offline HTML page in which a person can walk through attention."""

from __future__ import annotations

from attnviz.attention.threads import numpy_threads
from attnviz.choices import Language, Pool
from attnviz.progress import Progress, no_progress
from attnviz.renderers.page.blobs import Blobs
from attnviz.renderers.page.bundle import document
from attnviz.renderers.page.limits import USUAL, Limits
from attnviz.renderers.page.packing import pack_layers
from attnviz.renderers.page.pooled_maps import needs_pooling, packed_maps, pool_layers
from attnviz.renderers.page.record import make_record
from attnviz.renderers.page.size import require_hope, too_large
from attnviz.renderers.shared.labels import name
from attnviz.trace.selection import Selection
from attnviz.trace.trace import Trace

TITLE_TOKENS = 12
THREADS = 2


def to_html(
    trace: Trace,
    selection: Selection,
    language: Language = Language.EN,
    limits: Limits = USUAL,
    pool: Pool = Pool.MEAN,
    report: Progress = no_progress,
) -> str:
    """The page of the selected layers and heads of ``trace``, with the sentences of ``language``.

    It holds all tokens; where the selection leaves some out, it opens without the special ones, and a box brings them back.
    Of a region, and of a text with more tokens than the ``limits`` say, it holds only weights, in cells of many tokens
    where there is not room for all, which show what ``pool`` says; ``report`` is told how much of them is done. AttnvizError
    where the page would take more megabytes than the limits say.
    """
    selected_layers = selection.layers
    require_hope(selected_layers, limits)
    pooled = pool_layers(selection, limits, pool, report) if needs_pooling(selected_layers, limits) else []
    blobs = Blobs()
    with numpy_threads(THREADS) as threads:
        packed = packed_maps(pooled) if pooled else pack_layers(selected_layers, limits, threads.map)
        record = make_record(trace, selection, packed, language, blobs, threads.map, pooled)
        page = document(title(trace), language.value, record, blobs.in_base64(threads.map))
    if len(page) > limits.size:
        raise too_large(selected_layers, len(page), limits)
    return page


def title(trace: Trace) -> str:
    """What a browser's tab says: the beginning of the text."""
    tokens = [name(token) for token in trace.tokens[:TITLE_TOKENS]]
    return f"{' '.join(tokens)}{' …' if len(trace.tokens) > TITLE_TOKENS else ''} · attnviz"
