"""What the heads do, as JSON for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from attnviz.analysis.corpus import Head, Statistics
from attnviz.analysis.corpus.of_heads import OfHeads
from attnviz.analysis.corpus.quantiles import EXACT, rank_error
from attnviz.analysis.corpus.texts import Texts
from attnviz.analysis.head_names import MEASURED
from attnviz.analysis.metrics import Metric
from attnviz.renderers.stats.facts import over
from attnviz.renderers.stats.named import untold
from attnviz.text.lessons import lessons
from attnviz.trace.trace import FORMAT


def to_json(statistics: Statistics, sort: Metric | None) -> bytes:
    """One object; what no text had an answer for is null."""
    return orjson.dumps(
        {
            **texts_record(statistics),
            "near": statistics.near,
            "pool": statistics.pool.value,
            "step": statistics.step.value,
            **({"toward": statistics.toward} if statistics.toward else {}),
            "regions": sorted([_ends(queries), _ends(keys)] for queries, keys in statistics.regions),
            "hidden_share": statistics.left_out,
            "over": {metric.value: over(metric, lessons()) for metric in statistics.metrics},
            "thresholds": {name.value: statistics.thresholds[name] for name in MEASURED},
            "untold": [name.value for name in untold(statistics)],
            **quantiles_record(statistics),
            "heads": [head_record(head, statistics.quantiles) for head in statistics.heads(sort)],
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def texts_record(statistics: Texts) -> dict[str, Any]:
    """How the object begins, whatever was measured: of which texts the numbers are, and how exact the model's layers are."""
    return {
        "attnviz": FORMAT,
        "source": statistics.source,
        "texts": statistics.texts,
        "tokens": statistics.tokens,
        "skipped": statistics.skipped,
        **_skipped_record(statistics),
        "partial": statistics.partial,
        "largest_error": statistics.error,
        **({"sampled": statistics.sampled} if statistics.sampled else {}),
    }


def _skipped_record(statistics: Texts) -> dict[str, Any]:
    """Why texts were left out, where some were: how many for each reason, and the first few."""
    reasons = [
        {"why": str(one.said), "texts": one.texts, "first": list(one.names)}
        for one in statistics.left_out_texts.reasons
    ]
    return {"skipped_because": reasons} if reasons else {}


def quantiles_record(statistics: OfHeads) -> dict[str, Any]:
    """How exact the quantiles are, where there are some."""
    if not statistics.quantiles:
        return {}
    exact = statistics.texts <= EXACT
    return {"quantile_rank_error": 0.0 if exact else rank_error()}


def head_record(head: Head, shares: Sequence[float] = ()) -> dict[str, Any]:
    """A head: where it is, its metrics, and the names that it has earned; of each metric its quantiles, for these ``shares`` of
    the texts, and its top texts, where these are kept."""
    names = [
        {"name": one.name.value, "metric": one.name.metric.value, "value": one.value, "threshold": one.threshold}
        for one in head.names
    ]
    return {**measured_record(head, shares), "names": names}


def measured_record(head: Head, shares: Sequence[float] = ()) -> dict[str, Any]:
    """The same without names, whatever was measured."""
    metrics: dict[str, dict[str, Any]] = {metric.value: dict(vars(value)) for metric, value in head.values.items()}
    for metric, values in head.quantiles.items():
        metrics[metric.value]["quantiles"] = {str(share): value for share, value in zip(shares, values, strict=True)}
    for metric, texts in head.top.items():
        metrics[metric.value]["top_texts"] = [
            {"text": one.name, "value": one.value, "excerpt": one.excerpt} for one in texts
        ]
    return {"layer": head.number, "name": head.layer, "head": head.head, "metrics": metrics}


def _ends(side: range | None) -> list[int]:
    """[A, B]; [] is all positions."""
    return [] if side is None else [side.start, side.stop]
