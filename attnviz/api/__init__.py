"""The public calls, each of which joins a source, an analysis and a renderer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from attnviz.api.models import trace_model as trace_model
from attnviz.api.on_image import picture_for
from attnviz.api.pictures import heatmap as heatmap
from attnviz.api.selected import along, in_words, require_contribution, selected, shown
from attnviz.api.traces import load as load
from attnviz.api.traces import trace_arrays as trace_arrays
from attnviz.api.traces import trace_text as trace_text
from attnviz.arguments import Chosen, Where, chosen, drawing, member, members, real_number, whole_number
from attnviz.choices import (
    ALTERNATIVES,
    ALTERNATIVES_LIMITS,
    MAX_TOKENS,
    MAX_TOKENS_LIMITS,
    PAGE_MEGABYTES,
    PAGE_MEGABYTES_LIMITS,
    PRECISION,
    PRECISION_LIMITS,
    TOKENS,
    TOKENS_LIMITS,
    TOP_LIMITS,
    Language,
    MapStep,
    Pool,
    Step,
)

if TYPE_CHECKING:
    from attnviz.renderers.explain.explanation import Explanation
    from attnviz.sources.huggingface.inputs import Text
    from attnviz.trace.trace import Trace


def generate(
    model: Any,
    text: Text,
    tokens: int = TOKENS,
    *,
    tokenizer: Any = None,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    alternatives: int = ALTERNATIVES,
    chat: bool = False,
    device: str | None = None,
    dtype: str | None = None,
    device_map: str | None = None,
    adapter: str | None = None,
) -> Trace:
    """What ``model`` writes after ``text``, token by token, as ``attnviz generate`` does: its own generate(), watched.

    tokens        at most so many; a token that ends the text ends it sooner
    temperature, top_k, top_p, seed   draw each token; without the first three the likeliest is taken
    alternatives  how many predictions are kept of each position
    model, text, tokenizer, chat, device, dtype, device_map, adapter   as of ``trace_model``; "tiny" is the model in the package

    The trace holds every position that ran: all tokens but the last, which was chosen and never read. ``generation`` says
    what was written, ``predictions`` what might have been. AttnvizError as of ``trace_model``.
    """
    from attnviz.sources.writers import writer

    tokens = whole_number("tokens", tokens, TOKENS_LIMITS)
    alternatives = whole_number("alternatives", alternatives, ALTERNATIVES_LIMITS)
    draw = drawing(temperature, top_k, top_p, seed)
    write = writer(model, tokenizer, device=device, dtype=dtype, device_map=device_map, adapter=adapter)
    return write(text, tokens, sampling=draw, alternatives=alternatives, chat=chat)


def explain(
    trace: Trace,
    *,
    layer: Chosen = (),
    head: Chosen = (),
    step: str | Iterable[str] = (),
    query: Where | None = None,
    key: Where | None = None,
    skip_special: bool = False,
    words: bool = False,
    toward: str | None = None,
    top: int | None = None,
    precision: int = PRECISION,
    max_tokens: int = MAX_TOKENS,
    quiet: bool = False,
    language: str = "en",
) -> Explanation:
    """Every step of the selected layers and heads of ``trace``, as ``attnviz explain`` shows it.

    What comes back prints as plain text, in colour on a Rich console, and shows itself in a notebook.

    layer, head   numbers and ranges ("0,4-7") or "all"; nothing means the first layer and all heads. The first of the heads is
                  walked in full, of the others the weights and the output are shown; with the head "all" each is walked in full
    step          names of steps ("scores,weights", ["scores", "weights"]); nothing means all
    query, key    a token, a position (3 or "@3") or positions ("A:B" or range(A, B)); with one of each, their arithmetic
    skip_special  hide special tokens, and say what they took
    words         merge the tokens of a word: weights to it are summed, and from it averaged
    toward        of contributions: a token along whose logit they are measured, or "@output"
    top           the keys that a query looks at most, as a long text is shown anyway
    precision     at most this many decimals; max_tokens, at most this many rows and columns
    quiet         only the numbers, no sentences
    language      of the sentences, "en" or "vi"

    AttnvizError where there is no such layer, head, step, token or language.
    """
    from attnviz.renderers.explain.explanation import Explanation
    from attnviz.renderers.explain.sections import explain
    from attnviz.renderers.shared.matrix import Looks
    from attnviz.text.lessons import lessons
    from attnviz.trace.along import along
    from attnviz.trace.selectors import all_meant

    steps, layers = members(Step, step, "step"), shown(trace, layer)
    require_contribution(toward, steps)
    trace = in_words(along(trace, toward), words, layers, steps)
    selection = selected(trace, layers, head, query, key, skip_special, steps)
    looks = Looks(
        lessons(member(Language, language, "language")),
        whole_number("precision", precision, PRECISION_LIMITS),
        whole_number("max_tokens", max_tokens, MAX_TOKENS_LIMITS),
        quiet,
        None if top is None else whole_number("top", top, TOP_LIMITS),
        all_meant(chosen("head", head)),
    )
    return Explanation(list(explain(trace, selection, looks)), selection.heads)


def html(
    trace: Trace,
    *,
    layer: Chosen = (),
    head: Chosen = (),
    query: Where | None = None,
    key: Where | None = None,
    skip_special: bool = False,
    words: bool = False,
    step: str | None = None,
    toward: str | None = None,
    pool: str = "mean",
    language: str = "en",
    max_size: float = PAGE_MEGABYTES,
    on_image: Any = None,
) -> str:
    """One offline HTML page of the selected layers and heads of ``trace``, as ``attnviz html`` writes it.

    layer, head   numbers and ranges ("0,4-7"); nothing means all
    query, key    a token, a position (3 or "@3") or positions ("A:B" or range(A, B))
    skip_special  open it without special tokens
    words         merge the tokens of a word: weights to it are summed, and from it averaged
    step          the map that it opens with: "scores", "scaled", "masked", "weights", "contribution" or "summed"; None: the overview of all heads,
                  or the contributions where ``toward`` is given
    toward        of contributions: a token along whose logit they are measured, or "@output"
    pool          what a cell of a long text shows: the "mean" or "max" of many tokens
    language      of the page, "en" or "vi"
    max_size      in megabytes: where every pair would take more, cells of many tokens, of which the foot of the page tells;
                  AttnvizError where these take more, too
    on_image      the image that the model has read, a file or a picture of Pillow: a tab shows the weights over it
    """
    from attnviz.renderers.page.limits import Limits
    from attnviz.renderers.page.opening import opening
    from attnviz.renderers.page.page import to_html

    opened = opening(None if step is None else member(MapStep, step, "step"), toward)
    trace = in_words(along(trace, toward), words, layer, opened.needed)
    selection = selected(trace, layer, head, query, key, skip_special, opened.needed).as_region()
    limits = Limits(megabytes=real_number("max_size", max_size, PAGE_MEGABYTES_LIMITS))
    chosen_pool, picture = member(Pool, pool, "pool"), picture_for(trace, on_image)
    spoken = member(Language, language, "language")
    return to_html(trace, selection, spoken, limits, chosen_pool, image=picture, step=opened.step)


def notebook_frame(trace: Trace) -> str:
    """How a notebook shows ``trace``: HTML of its page, in a frame."""
    from attnviz.renderers.page.notebook import to_frame

    return to_frame(trace)
