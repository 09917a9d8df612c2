"""The effects of heads, as JSON for scripts."""

from __future__ import annotations

import orjson

from attnviz.analysis.effect_corpus import EffectStatistics
from attnviz.choices import Effect
from attnviz.renderers.effects.facts import over
from attnviz.renderers.stats.head_json import measured_record, quantiles_record, texts_record
from attnviz.text.lessons import lessons


def to_json(statistics: EffectStatistics, sort: Effect | None) -> bytes:
    """One object; what no text had an answer for is null."""
    return orjson.dumps(
        {
            **texts_record(statistics),
            "ablate": statistics.ablation.value,
            "answer": statistics.answer,
            "whole": {one.value: vars(statistics.whole(one)) for one in statistics.metrics if one is not Effect.KL},
            "over": {one.value: over(one, lessons()) for one in statistics.metrics},
            **quantiles_record(statistics),
            "heads": [measured_record(head, statistics.quantiles) for head in statistics.heads(sort)],
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )
