"""The scores of retrieval, as JSON for scripts."""

from __future__ import annotations

import orjson

from attnviz.analysis.head_names import Copying
from attnviz.analysis.retrieval import Asked, RetrievalStatistics
from attnviz.renderers.stats.head_json import head_record
from attnviz.trace.trace import FORMAT


def to_json(statistics: RetrievalStatistics) -> bytes:
    """One object: the needles, and the heads with the largest score first; what cannot be told is null."""
    return orjson.dumps(
        {
            "attnviz": FORMAT,
            "source": statistics.source,
            "largest_error": statistics.error,
            "needles": [_needle(one) for one in statistics.asked],
            "copied": statistics.copied,
            "tokens": statistics.tokens,
            "threshold": statistics.threshold,
            "threshold_here": statistics.limit,
            "heads": [head_record(head) for head in statistics.heads(Copying.RETRIEVAL)],
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _needle(asked: Asked) -> dict[str, object]:
    needle, words, depth = asked.planted.needle, asked.planted.words, asked.planted.depth
    return {
        **needle._asdict(),
        "words": words,
        "depth": depth,
        "written": asked.written,
        "copied_tokens": asked.copied,
        "tokens": asked.of,
        "copied": asked.whole,
    }
