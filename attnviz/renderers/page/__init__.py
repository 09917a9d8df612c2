"""One offline HTML page in which a person can walk through attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from attnviz.choices import Language
from attnviz.errors import AttnvizError
from attnviz.renderers.page.blobs import Blobs
from attnviz.renderers.page.bundle import document
from attnviz.renderers.page.packing import Form, estimate, forms, packed
from attnviz.renderers.page.record import make_record
from attnviz.renderers.parts import name
from attnviz.selection import Part, Selection
from attnviz.trace import Trace

MEGABYTE = 1_000_000
BUDGET = 50.0  # megabytes that a browser still opens without a thought
MOST_TOKENS = 4096  # of a map that a browser can hold
BARE = 150_000  # bytes of a page without its arrays
HOPELESS = 2  # times the budget: so far off that it need not be tried
TITLE_TOKENS = 12
THREADS = 2


def to_html(trace: Trace, selection: Selection, language: Language = Language.EN, budget: float = BUDGET) -> str:
    """The page of the selected layers and heads of ``trace``, with the sentences of ``language``.

    It holds all tokens; where the selection leaves some out, it opens without the special ones, and a box brings them back.

    AttnvizError where it would take more than ``budget`` megabytes, or a text is too long for a browser's map.
    """
    _require_drawable(selection)
    room = budget * MEGABYTE - BARE
    expected = _smallest(selection.layers)
    if expected > HOPELESS * budget * MEGABYTE:
        raise _too_large(selection, expected, budget)
    blobs = Blobs()
    with ThreadPoolExecutor(THREADS) as pool:  # NumPy and zlib leave the interpreter free while they compute
        attempt = packed(selection.layers, room, pool.map)
        record = make_record(trace, selection, attempt, language, blobs, pool)
        page = document(title(trace), language.value, record, blobs.texts(pool.map))
    if len(page) > budget * MEGABYTE:
        raise _too_large(selection, len(page), budget)
    return page


def title(trace: Trace) -> str:
    """What a browser's tab says: the beginning of the text."""
    words = [name(token) for token in trace.tokens[:TITLE_TOKENS]]
    return f"{' '.join(words)}{' …' if len(trace.tokens) > TITLE_TOKENS else ''} · attnviz"


def _require_drawable(selection: Selection) -> None:
    longest = max(max(part.layer.query.shape[1], part.layer.key.shape[1]) for part in selection.layers)
    if longest > MOST_TOKENS:
        raise AttnvizError(
            f"a page shows texts of up to {MOST_TOKENS:,} tokens, and this one has {longest:,}",
            "attnviz heatmap draws longer ones",
        )


def _smallest(parts: Sequence[Part]) -> int:
    """About how many bytes the arrays of ``parts`` take in the smallest form."""
    return min(estimate(parts, form) for form in forms(parts, 0))


def _too_large(selection: Selection, size: float, budget: float) -> AttnvizError:
    parts = selection.layers
    message = f"the page would take {_megabytes(size)}, and {budget:g} are the most that it may"
    layers = _fitting([parts[:count] for count in range(1, len(parts))], budget)
    longest = max(parts, key=lambda part: len(part.heads))
    heads = _fitting(
        [[longest._replace(heads=longest.heads[:count])] for count in range(1, len(longest.heads))], budget
    )
    if layers:
        some = f"about {layers} of the {len(parts)} layers fit: select them with --layer"
    elif heads:
        some = f"about {heads} heads of one layer fit: select them with --layer and --head"
    else:
        some = "give a shorter text"
    return AttnvizError(message, f"{some}, or raise --max-size")


def _fitting(growing: Sequence[Sequence[Part]], budget: float) -> int:
    """How many of these ever larger pages stay within the budget."""
    return sum(_smallest(parts) + BARE <= budget * MEGABYTE for parts in growing)


def _megabytes(size: float) -> str:
    """A size in megabytes, never less than it is."""
    digits = 1 if size >= MEGABYTE else 2
    return f"{math.ceil(size / MEGABYTE * 10**digits) / 10**digits:,.{digits}f} MB"


__all__ = ["BUDGET", "Form", "to_html"]
