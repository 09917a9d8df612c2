"""One offline HTML page in which a person can walk through attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from attnviz.attention.threads import limit_blas
from attnviz.choices import PAGE_MEGABYTES, Language, Pool
from attnviz.errors import AttnvizError
from attnviz.progress import Progress, no_progress
from attnviz.renderers.page.blobs import Blobs
from attnviz.renderers.page.bundle import document
from attnviz.renderers.page.packing import Form, estimate, forms, packed
from attnviz.renderers.page.pooled_maps import attempt as held
from attnviz.renderers.page.pooled_maps import drawn
from attnviz.renderers.page.pooled_maps import estimate as estimate_of_long
from attnviz.renderers.page.record import make_record
from attnviz.renderers.shared.labels import name
from attnviz.trace.selection import LayerSelection, Selection
from attnviz.trace.trace import Trace

MEGABYTE = 1_000_000
MOST_TOKENS = 4096  # of a map that a browser can hold pair by pair
BARE = 185_000  # bytes of a page without its arrays
HOPELESS = 2  # times the budget: so far off that it need not be tried
HOPELESS_OF_LONG = 4  # the maps of heads that look at few keys are compressed to a quarter
TITLE_TOKENS = 12
THREADS = 2


def to_html(
    trace: Trace,
    selection: Selection,
    language: Language = Language.EN,
    budget: float = PAGE_MEGABYTES,
    choice: Pool = Pool.MEAN,
    report: Progress = no_progress,
) -> str:
    """The page of the selected layers and heads of ``trace``, with the sentences of ``language``.

    It holds all tokens; where the selection leaves some out, it opens without the special ones, and a box brings them back.
    Of a region, and of a text that is longer than ``MOST_TOKENS``, it holds weights alone, in cells of many tokens where
    there is not room for all, which show what ``choice`` says; ``report`` is told how much of them is done. AttnvizError
    where the page would take more than ``budget`` megabytes.
    """
    selected_layers, room = selection.layers, budget * MEGABYTE - BARE
    is_long = _is_long(selected_layers)
    if (expected := _smallest(selected_layers)) > (HOPELESS_OF_LONG if is_long else HOPELESS) * budget * MEGABYTE:
        raise _too_large(selection, expected, budget)
    long = drawn(selection, choice, report) if is_long else []
    blobs = Blobs()
    # NumPy and zlib leave the interpreter free while they compute, so layers are packed side by side. The threads that
    # NumPy's products bring of their own would wait for each other twenty times as long as they compute.
    with limit_blas(1), ThreadPoolExecutor(THREADS) as pool:
        attempt = held(long) if long else packed(selected_layers, room, pool.map)
        record = make_record(trace, selection, attempt, language, blobs, pool, long)
        page = document(title(trace), language.value, record, blobs.texts(pool.map))
    if len(page) > budget * MEGABYTE:
        raise _too_large(selection, len(page), budget)
    return page


def title(trace: Trace) -> str:
    """What a browser's tab says: the beginning of the text."""
    words = [name(token) for token in trace.tokens[:TITLE_TOKENS]]
    return f"{' '.join(words)}{' …' if len(trace.tokens) > TITLE_TOKENS else ''} · attnviz"


def _is_long(selected_layers: Sequence[LayerSelection]) -> bool:
    """Whether the maps are computed here: a browser could not, or lacks the keys that are not of the region."""
    return longest(selected_layers) > MOST_TOKENS or not all(selected.whole for selected in selected_layers)


def longest(selected_layers: Sequence[LayerSelection]) -> int:
    """The most tokens along any side of their maps."""
    return max(len(side) for selected in selected_layers for side in selected.ranges)


def _smallest(selected_layers: Sequence[LayerSelection]) -> int:
    """About how many bytes the arrays of ``selected_layers`` take in the smallest form."""
    if _is_long(selected_layers):
        return estimate_of_long(selected_layers)
    return min(estimate(selected_layers, form) for form in forms(selected_layers, 0))


def _too_large(selection: Selection, size: float, budget: float) -> AttnvizError:
    selected_layers = selection.layers
    message = f"the page would take {_megabytes(size)}, and {budget:g} are the most that it may"
    layers = _fitting([selected_layers[:count] for count in range(1, len(selected_layers))], budget)
    longest = max(selected_layers, key=lambda selected: len(selected.heads))
    heads = _fitting(
        [[longest._replace(heads=longest.heads[:count])] for count in range(1, len(longest.heads))], budget
    )
    if layers:
        some = f"about {layers} of the {len(selected_layers)} layers fit: select them with --layer"
    elif heads:
        some = f"about {heads} heads of one layer fit: select them with --layer and --head"
    else:
        some = "give a shorter text"
    return AttnvizError(message, f"{some}, or raise --max-size")


def _fitting(growing: Sequence[Sequence[LayerSelection]], budget: float) -> int:
    """The place, from 1, of the last of these pages that stays within the budget; 0 where none does.

    Not all before it need to: the one head of a long text has more cells than two have together.
    """
    fitting = (_smallest(selected_layers) + BARE <= budget * MEGABYTE for selected_layers in growing)
    return max((place for place, fits in enumerate(fitting, 1) if fits), default=0)


def _megabytes(size: float) -> str:
    """A size in megabytes, never less than it is."""
    digits = 1 if size >= MEGABYTE else 2
    return f"{math.ceil(size / MEGABYTE * 10**digits) / 10**digits:,.{digits}f} MB"


__all__ = ["Form", "to_html"]
