"""One offline HTML page in which a person can walk through attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attnviz.attention.threads import numpy_threads
from attnviz.choices import Language, MapStep, Pool
from attnviz.progress import Notice, Progress, no_notice, no_progress
from attnviz.renderers.page.beside import Beside, beside_record
from attnviz.renderers.page.blobs import Blobs
from attnviz.renderers.page.bundle import document
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.limits import USUAL, Limits
from attnviz.renderers.page.packing import Part, pack_parts
from attnviz.renderers.page.parts import page_parts, parts_size
from attnviz.renderers.page.pooled_maps import pool_layers
from attnviz.renderers.page.record import make_record
from attnviz.renderers.page.size import missing_step, missing_ways, require_hope, told_size, too_large, what_is_missing
from attnviz.renderers.page.sums import add_sums, sums_size
from attnviz.renderers.page.way import add_ways
from attnviz.renderers.shared.labels import name, text_of
from attnviz.trace.selection import Selection, require_all_heads
from attnviz.trace.trace import Trace

if TYPE_CHECKING:
    from PIL.Image import Image

TITLE_TOKENS = 12
TITLE_LETTERS = 70
THREADS = 2
TRIES = 3  # at a page that turns out larger than its arrays told
SPARE = 0.1  # of what it took too much, which is kept free next


def to_html(
    trace: Trace,
    selection: Selection,
    language: Language = Language.EN,
    limits: Limits = USUAL,
    pool: Pool = Pool.MEAN,
    report: Progress = no_progress,
    notice: Notice = no_notice,
    image: Image | None = None,
    beside: Beside | None = None,
    step: MapStep | None = None,
) -> str:
    """The page of the selected layers and heads of ``trace``, with the sentences of ``language``.

    It holds all tokens; where the selection leaves some out, it opens without the special ones, and a box brings them back.
    Every step of every head is there while that takes no more megabytes than the ``limits`` say; else of the heads that
    stand out, and of the others the weights, in cells of many tokens where there is not room for all, which show what
    ``pool`` says. Of a region, and of a text with more tokens than the limits say, it holds only weights. ``notice`` is told
    what is missing and why, and ``report`` how much of the maps is done. AttnvizError where the page would take more
    megabytes all the same. ``beside`` says which two heads it opens with, side by side, where they are of two traces; ``step``
    opens it with the map of this step.
    """
    layers, size = selection.layers, 0
    if step is not None:
        require_all_heads(selection, step)
    beyond = told_size(trace, layers) + sums_size(layers, step)
    said = {""}

    def say(missing: str) -> None:
        if missing not in said:
            notice(missing)
        said.add(missing)

    for _ in range(TRIES):
        parts = page_parts(layers, limits, trace.roles, beyond)
        require_hope(trace, parts, layers, limits)
        missing = what_is_missing(parts, limits, pool)
        if any(part.form is Form.POOLED for part in parts):
            say(missing)  # before what may take a while
        page, left_out = _page(trace, parts, language, limits, pool, report, image, beside, step)
        size = len(page)
        if size <= limits.size:
            say(missing)
            say(missing_ways(limits) if left_out else "")
            say(missing_step(parts, step))
            return page
        # What else the page holds, and what compression left, is known now.
        beyond = size - (limits.size - limits.room) - parts_size(parts, limits, limits.room)
        beyond += SPARE * (size - limits.size)
    raise too_large(trace, layers, size, limits)


def _page(
    trace: Trace,
    parts: Sequence[Part],
    language: Language,
    limits: Limits,
    pool: Pool,
    report: Progress,
    image: Image | None,
    beside: Beside | None,
    step: MapStep | None,
) -> tuple[str, bool]:
    """The page of these parts, however large, and whether X and the matrices had no room in it."""
    blobs = Blobs()
    places = [place for place, part in enumerate(parts) if part.form is Form.POOLED]
    maps = pool_layers([parts[place].selected for place in places], limits, pool, report)
    pooled = dict(zip(places, maps, strict=True))
    with numpy_threads(THREADS) as threads:
        others = iter(pack_parts([part for part in parts if part.form is not Form.POOLED], threads.map))
        packed = [pooled[place].packed if place in pooled else next(others) for place in range(len(parts))]
        record = make_record(trace, parts, packed, language, blobs, threads.map, pooled, image)
        if step is not None:
            record["step"] = step.value
        if beside is not None:
            record |= beside_record(beside, parts, record["layers"])
        taken = add_sums(record, parts, packed, blobs, step)
        left_out = add_ways(record, parts, packed, blobs, limits.room - taken)
        return document(
            title(trace) if beside is None else f"{beside.text} · attnviz",
            language.value,
            record,
            blobs.in_base64(threads.map),
        ), left_out


def title(trace: Trace) -> str:
    """What a browser's tab says: the beginning of the text."""
    if (text := text_of(trace)) is not None:
        return f"{text if len(text) <= TITLE_LETTERS else text[:TITLE_LETTERS].rstrip() + ' …'} · attnviz"
    tokens = [name(token) for token in trace.tokens[:TITLE_TOKENS]]
    return f"{' '.join(tokens)}{' …' if len(trace.tokens) > TITLE_TOKENS else ''} · attnviz"
