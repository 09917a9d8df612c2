"""The public call that measures heads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

from attnviz.api.by_text import rows_written
from attnviz.api.effects import effects, of_effects, require_no_effect
from attnviz.api.gathered import gather
from attnviz.api.many import Texts, batch_of, length_of
from attnviz.api.reading import LOADING, reading, usual
from attnviz.api.selected import by_weights_alone, in_words, require_contribution, selected
from attnviz.api.workers import USUAL, Workforce, by_workers, weights_job, workforce
from attnviz.arguments import (
    Chosen,
    Where,
    as_asked,
    chosen,
    member,
    members,
    numbers_of,
    quantiles_of,
    where,
    whole_number,
)
from attnviz.choices import (
    NEAR,
    NEAR_LIMITS,
    OUTPUT,
    THRESHOLD_LIMITS,
    TOP_TEXTS,
    TOP_TEXTS_LIMITS,
    Language,
    MeasuredStep,
    Pool,
)
from attnviz.corpora.choices import AUTO, NO_GPUS
from attnviz.errors import AttnvizError
from attnviz.trace.trace import Trace

if TYPE_CHECKING:
    from attnviz.analysis.corpus import MeasuredText, Statistics
    from attnviz.renderers.stats.stats import Stats
    from attnviz.renderers.stats.text_rows import Write
    from attnviz.sources.huggingface.inputs import Text
    from attnviz.sources.texts.length import Length

    Read = Callable[[Any], Trace]


def stats(
    texts: Trace | Text | Iterable[Trace | Text],
    model: Any = None,
    *,
    metrics: str | Iterable[str] = (),
    sort: str | None = None,
    layer: Chosen = (),
    head: Chosen = (),
    query: Where | None = None,
    key: Where | None = None,
    skip_special: bool = False,
    words: bool = False,
    near: int = NEAR,
    pool: str = "mean",
    threshold: Mapping[str, float] | None = None,
    step: str = "weights",
    toward: str | None = None,
    answer: str | None = None,
    ablate: str = "mean",
    by_text: str | os.PathLike[str] | None = None,
    quantiles: Iterable[float] | str = (),
    top_texts: int = TOP_TEXTS,
    batch: int | None = None,
    max_length: int | None = None,
    cut: bool = False,
    workers: int | str = AUTO,
    state: str | os.PathLike[str] | None = None,
    shard_size: int | None = None,
    engine: str = "local",
    address: str | None = None,
    gpus_per_worker: float = NO_GPUS,
    language: str = "en",
    tokenizer: Any = None,
    **making: Any,
) -> Stats:
    """What each head does, in numbers, as ``attnviz stats`` tells it: over one text, or over many.

    What comes back prints as a table, in colour on a Rich console, and shows itself in a notebook; ``.records``, ``.to_pandas()``, ``.to_polars()``, ``.to_csv()`` and ``.to_json()`` hand the numbers on.

    texts     a text or a trace; or a list or an iterator of them, such as ``read_texts`` gives, of which no more are held than run together
    model     that reads the texts, as of ``trace_model``; None: toy attention, as of ``trace_text``
    metrics   some of them ("entropy,first", ["entropy", "first"]); nothing means all. "effect" alone is what changes of the model's predictions when a head is taken away: its loss, the probability of an answer, and the divergence; sort: the metric whose largest value stands first; of effects, "loss", "probability" or "kl"
    layer, head   numbers and ranges ("0,4-7"); nothing means all. Of a model, only these layers are kept
    query, key    a token, a position (3 or "@3") or positions ("A:B" or range(A, B)): only these queries, on these keys
    skip_special  leave out special tokens; words: merge those of a word, weights to it are summed, and from it averaged
    near      keys at a distance below this are near; pool: what stands for the queries of a text: their "mean" or their "max"
    threshold what a head must reach to be given a name, {"induction": 0.4}, before that is held against chance
    step, toward  what the metrics are of: the "weights", or each key's share of the "contribution" to its query, or of that of all heads, "summed" (along a direction)
    answer, ablate  of effects: the token whose probability is measured (None: the likeliest), and what a head that is taken away gives, its "mean" over the text or "zero"
    by_text   a file, .parquet, .csv or .jsonl, that gets a row for each text and head while they are measured; quantiles: shares of the texts, (0.05, 0.5, 0.95): the values below which they lie; top_texts: for each metric of each head, so many texts in which it is largest
    batch     how many texts a model reads at once; None: as many as memory allows, up to 512 tokens on a processor and 32 texts elsewhere; max_length, cut: a text of more tokens is left out, as is one that is longer than the model reads; or both are cut
    workers, state, shard_size, engine, address, gpus_per_worker  who measures many texts (``attnviz manual workers``)
    language  in which it prints, "en" or "vi"; tokenizer, and all other options, are of ``trace_model`` (target, chat, device, …); without a model, of ``trace_text``

    Of many texts, one that cannot be read is left out, and ``.errors`` says why. AttnvizError where none can be read, and where there is no such metric, layer, head, token or language.
    """
    given = locals()
    by = workforce({name: given.pop(name) for name in USUAL})
    own = {name: one.default for name, one in signature(stats).parameters.items()}
    return effects(by, usual=own, **given) if of_effects(metrics) else _of_weights(by, **given)


def _of_weights(
    by: Workforce | None,
    texts: Any,
    model: Any,
    metrics: Any,
    sort: str | None,
    layer: Chosen,
    head: Chosen,
    query: Where | None,
    key: Where | None,
    skip_special: bool,
    words: bool,
    toward: str | None,
    language: str,
    tokenizer: Any,
    making: Mapping[str, Any],
    answer: str | None,
    ablate: str,
    by_text: Any,
    batch: int | None,
    max_length: int | None,
    cut: bool,
    **how: Any,
) -> Stats:
    """The metrics of weights; ``how`` they are measured."""
    from attnviz.analysis.corpus import Statistics
    from attnviz.analysis.metrics import Metric
    from attnviz.renderers.stats.stats import Stats
    from attnviz.trace.along import along

    require_no_effect(answer, ablate)
    asked = members(Metric, metrics, "metrics") or list(Metric)
    first, spoken = _first(sort, asked), member(Language, language, "language")
    measured, length = _measured(asked, **how), length_of(max_length, cut)
    require_contribution(toward, [measured["step"]])
    part = {"layer": chosen("layer", layer), "head": chosen("head", head), "query": query, "key": key}
    part |= {"skip_special": skip_special, "words": words}
    remembered = _remembered(model, tokenizer, part, length, making)
    if by is not None:
        making = dict(making) if tokenizer is None else {**making, "tokenizer": tokenizer}
        reads: dict[str, Any] = {"making": making, "batch": batch_of(batch), "length": length, "toward": toward}
        reads |= {**part, "by_text": by_text is not None}
        with rows_written(by_text, asked) as write:
            made, errors = by_workers(by, weights_job(model, reads, measured, remembered), texts, write)
            return Stats(made, first, spoken, errors)
    statistics = Statistics(**measured)
    statistics.asked = remembered
    asked_of_model = {} if model is None or toward in (None, OUTPUT) else {"toward": toward}
    read = reading(model, tokenizer, chosen("layer", layer), {**making, **asked_of_model})

    def measure(trace: Trace) -> MeasuredText:
        trace = in_words(along(trace, toward), words, layer, [statistics.step])
        return statistics.measured(trace, selected(trace, layer, head, query, key, skip_special).as_region())

    weigh = by_weights_alone(statistics, head, query, key, skip_special, words, toward)
    with rows_written(by_text, asked) as write:
        found = gather(
            statistics, texts, partial(_count, statistics, write), Texts(read, batch, length, measure, weigh)
        )
        return Stats(statistics, first, spoken, found)


def _count(statistics: Statistics, write: Write, text: MeasuredText, name: str) -> None:
    """Count what was measured of one text more, and write its rows."""
    statistics.take(text, name)
    write(statistics.rows())


def _remembered(
    model: Any, tokenizer: Any, part: Mapping[str, Any], length: Length, making: Mapping[str, Any]
) -> dict[str, Any]:
    """How texts are read, and which part of them is measured, by the names of options."""
    of_each = {name: value for name, value in making.items() if name not in (*LOADING, "verify")}
    of_each |= {"tokenizer": tokenizer} if model is None else {}
    places = {name: where(name, part[name]) for name in ("query", "key")}
    asked_so = {**part, **places, "max_length": length.most, "cut": length.cut}
    return as_asked(usual(model), **{**asked_so, **of_each})


def _first(sort: str | None, asked: Iterable[StrEnum]) -> Any:
    """The metric whose largest value stands first, one of those that are ``asked`` for; None: the order is that of the layers."""
    from attnviz.analysis.metrics import Metric

    first = None if sort is None else member(Metric, sort, "sort")
    if first is not None and first not in asked:
        raise AttnvizError("sort is {sort}, which is not among the metrics", sort=first.value)
    return first


def _measured(
    asked: Any,
    near: Any,
    pool: str,
    threshold: Mapping[str, float] | None,
    step: str,
    quantiles: Any,
    top_texts: Any,
) -> dict[str, Any]:
    """The options of ``Statistics``."""
    from attnviz.analysis.head_names import HeadName

    return {
        "near": whole_number("near", near, NEAR_LIMITS),
        "pool": member(Pool, pool, "pool"),
        "metrics": tuple(asked),
        "thresholds": numbers_of(HeadName, threshold, "threshold", THRESHOLD_LIMITS),
        "step": member(MeasuredStep, step, "step"),
        "quantiles": quantiles_of(quantiles),
        "top_texts": whole_number("top_texts", top_texts, TOP_TEXTS_LIMITS),
    }
