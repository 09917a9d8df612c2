"""What the heads do, as JSON for scripts."""

from __future__ import annotations

from typing import Any

import orjson

from attnviz.analysis.corpus import Head, Statistics
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
            "attnviz": FORMAT,
            "source": statistics.source,
            "texts": statistics.texts,
            "tokens": statistics.tokens,
            "skipped": statistics.skipped,
            "partial": statistics.partial,
            "largest_error": statistics.error,
            "near": statistics.near,
            "pool": statistics.pool.value,
            "step": statistics.step.value,
            **({"toward": statistics.toward} if statistics.toward else {}),
            "regions": sorted([_ends(queries), _ends(keys)] for queries, keys in statistics.regions),
            "hidden_share": statistics.left_out,
            "over": {metric.value: over(metric, lessons()) for metric in statistics.metrics},
            "thresholds": {name.value: statistics.thresholds[name] for name in MEASURED},
            "untold": [name.value for name in untold(statistics)],
            "heads": [head_record(head) for head in statistics.heads(sort)],
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def head_record(head: Head) -> dict[str, Any]:
    """A head: where it is, its metrics, and the names that it has earned."""
    metrics = {metric.value: vars(value) for metric, value in head.values.items()}
    names = [
        {"name": one.name.value, "metric": one.name.metric.value, "value": one.value, "threshold": one.threshold}
        for one in head.names
    ]
    return {"layer": head.number, "name": head.layer, "head": head.head, "metrics": metrics, "names": names}


def _ends(side: range | None) -> list[int]:
    """[A, B]; [] is all positions."""
    return [] if side is None else [side.start, side.stop]
