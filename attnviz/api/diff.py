"""The public call that compares two traces, and what can be drawn of what it finds."""

from __future__ import annotations

import os
from functools import cache
from inspect import signature
from typing import TYPE_CHECKING, Any

from attnviz.api import load
from attnviz.api.reading import reading, require_known
from attnviz.api.selected import in_words
from attnviz.arguments import Chosen, Where, chosen, member, real_number, text_of, where, whole_number
from attnviz.choices import (
    COLOUR_LIMITS,
    DPI_LIMITS,
    PAGE_MEGABYTES,
    PAGE_MEGABYTES_LIMITS,
    TOP_LIMITS,
    WIDTH_LIMITS,
    Language,
    Pool,
    names_a_file,
)
from attnviz.errors import AttnvizError
from attnviz.trace.trace import Trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from attnviz.analysis.difference.result import Difference, Source


def diff(
    first: Any,
    second: Any = None,
    *,
    model: Any = None,
    left: str | None = None,
    right: str | None = None,
    layer: Chosen = (),
    head: Chosen = (),
    query: Where | None = None,
    key: Where | None = None,
    skip_special: bool = False,
    words: bool = False,
    pool: str = "mean",
    top: int | None = None,
    language: str = "en",
    tokenizer: Any = None,
    **making: Any,
) -> Difference:
    """Which heads differ, between two traces, texts or models, and by how much, as ``attnviz diff`` tells it.

    What comes back prints as a table and shows itself in a notebook; ``.heads`` and ``.records`` have the numbers,
    ``.heatmap()`` draws the two heads that are furthest apart, and ``.to_html()`` is a page of all.

    first, second  a trace, a file (.safetensors, .npz, .npy, .json), or a text; without a second one, two models read the
                   first, or two of its heads are compared
    model          that reads the texts, as of ``trace_model``; or (left, right); None: toy attention. Where one text is read, an
                   ``adapter=`` goes into the model on the right alone
    left, right    two heads, as LAYER.HEAD ("3.4", "cross 0.2"); None: all heads, each beside the one of its number
    layer, head    numbers and ranges ("0,4-7"); nothing means all
    query, key     a token, a position (3 or "@3") or positions ("A:B" or range(A, B)) of the first text
    skip_special   leave out special tokens; words: compare words in place of tokens, those of two tokenizers, too
    pool           what stands for the queries of a head: their "mean" or their "max"
    top            only so many heads, the furthest apart; None: a table has the first few, the records all
    language       in which it prints, "en" or "vi"
    tokenizer, and options of ``trace_model``; without a model, of ``trace_text``; of a file, of ``load`` (causal, window, …)

    A row of weights is compared over the keys that both texts have; what is on the others counts together as one more key. The
    divergence is that of Jensen and Shannon, in bits. AttnvizError where the two have no token, or no head, in common.
    """
    from attnviz.analysis.difference.compare import compare

    options: dict[str, Any] = {
        "layer": chosen("layer", layer),
        "head": chosen("head", head),
        "query": where("query", query),
        "key": where("key", key),
        "skip_special": skip_special,
        "pool": member(Pool, pool, "pool"),
        "top": None if top is None else whole_number("top", top, TOP_LIMITS),
        "language": member(Language, language, "language"),
    }
    heads = _two_heads(left, right)
    sources = [
        source._replace(trace=in_words(source.trace, words, layer))
        for source in _sources(
            [first] if second is None else [first, second], model, tokenizer, making, heads is not None
        )
    ]
    return compare(sources[0], sources[-1], heads, **options)


def _two_heads(left: str | None, right: str | None) -> tuple[str, str] | None:
    """The two heads that are named, if any is."""
    if left is None and right is None:
        return None
    if left is None or right is None:
        raise AttnvizError("left and right name a head each, and only one is given", "give both")
    return text_of("left", left), text_of("right", right)


def heatmap(
    found: Difference,
    path: str | os.PathLike[str] | None = None,
    *,
    title: str | None = None,
    cmap: str | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    annotate: bool | None = None,
    dpi: int | None = None,
    width: float | None = None,
) -> Figure:
    """The two heads of ``found`` that are furthest apart, left and right on one scale, and their difference around 0: a figure
    of matplotlib.

    The options are those of ``attnviz.api.heatmap``. A token that only one text has stands in the picture as such.
    """
    from attnviz.renderers.difference.picture import decide
    from attnviz.renderers.heatmap.heatmap import Heatmap
    from attnviz.renderers.heatmap.picture import View

    ends = tuple(
        None if value is None else real_number(name, value, COLOUR_LIMITS)
        for name, value in (("vmin", vmin), ("vmax", vmax))
    )
    view = View(
        dpi=None if dpi is None else whole_number("dpi", dpi, DPI_LIMITS),
        width=None if width is None else real_number("width", width, WIDTH_LIMITS),
        ends=(ends[0], ends[1]),
    )
    picture = decide(found, title=None if title is None else text_of("title", title), view=view)
    return Heatmap(picture, None if cmap is None else text_of("cmap", cmap), annotate).figure(path)


def html(
    found: Difference, *, pool: str = "mean", language: str | None = None, max_size: float = PAGE_MEGABYTES
) -> str:
    """One offline page of all heads that were compared, which opens with the two that are furthest apart, side by side.

    The options are those of ``attnviz.api.html``; language None: that of ``found``.
    """
    from attnviz.renderers.difference.page import to_html
    from attnviz.renderers.page.limits import Limits

    limits = Limits(megabytes=real_number("max_size", max_size, PAGE_MEGABYTES_LIMITS))
    spoken = None if language is None else member(Language, language, "language")
    return to_html(found, spoken, limits, member(Pool, pool, "pool"))


def _sources(given: list[Any], model: Any, tokenizer: Any, making: dict[str, Any], two_heads: bool) -> list[Source]:
    """The one or two that are compared."""
    models = list(model) if isinstance(model, list | tuple) else [model]
    adapts = making.get("adapter") is not None and len(given) == 1
    count = max(len(given), len(models), 1 + adapts)
    if count > 2 or not models:
        raise AttnvizError("{count} models are given: two are compared", count=len(models))
    if count == 1 and not two_heads:
        raise AttnvizError(
            "only one trace is given, and nothing to compare it with",
            "give another, or two of its heads with left and right",
        )
    of_files = {name: value for name, value in making.items() if name in signature(load).parameters}
    if all(names_a_file(one) for one in given):
        require_known(load, making)
    bare = {name: value for name, value in making.items() if name != "adapter"}
    if adapts:
        readers = [_reader(models[0], tokenizer, bare), _reader(models[-1], tokenizer, making)]
    else:
        readers = [_reader(one, tokenizer, making) for one in models]
    return [_source(given[place % len(given)], readers[place % len(readers)], of_files) for place in range(count)]


def _reader(model: Any, tokenizer: Any, making: dict[str, Any]) -> Any:
    """What makes a trace of a text, made when the first comes."""
    made = cache(lambda: reading(model, tokenizer, [], making))
    return lambda text: made()(text)


def _source(given: Any, read: Any, rule: dict[str, Any]) -> Source:
    """What ``given`` is: a trace; a file, of which ``rule`` may change the rule; or a text, which ``read`` reads."""
    from attnviz.analysis.difference.result import Source

    if isinstance(given, Trace):
        return Source(given)
    if names_a_file(given):
        return Source(load(given, **rule), os.fspath(given))
    return Source(read(given))
