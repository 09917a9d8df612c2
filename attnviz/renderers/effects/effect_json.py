"""The effects of heads, as JSON for scripts."""

from __future__ import annotations

from typing import Any

import orjson

from attnviz.analysis.corpus import Head
from attnviz.analysis.effect_corpus import EffectStatistics
from attnviz.choices import Effect
from attnviz.renderers.effects.facts import over
from attnviz.renderers.stats.head_json import skipped_record
from attnviz.text.lessons import lessons
from attnviz.trace.trace import FORMAT


def to_json(statistics: EffectStatistics, sort: Effect | None) -> bytes:
    """One object; what no text had an answer for is null."""
    return orjson.dumps(
        {
            "attnviz": FORMAT,
            "source": statistics.source,
            "texts": statistics.texts,
            "tokens": statistics.tokens,
            "skipped": statistics.skipped,
            **skipped_record(statistics),
            "partial": statistics.partial,
            "largest_error": statistics.error,
            "ablate": statistics.ablation.value,
            "answer": statistics.answer,
            "whole": {one.value: vars(statistics.whole(one)) for one in statistics.metrics if one is not Effect.KL},
            "over": {one.value: over(one, lessons()) for one in statistics.metrics},
            "heads": [_record(head) for head in statistics.heads(sort)],
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _record(head: Head) -> dict[str, Any]:
    metrics = {effect.value: vars(value) for effect, value in head.values.items()}
    return {"layer": head.number, "name": head.layer, "head": head.head, "metrics": metrics}
