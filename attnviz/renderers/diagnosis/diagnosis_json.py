"""A diagnosis as JSON for scripts."""

from __future__ import annotations

from typing import Any

import orjson

from attnviz.analysis.diagnosis.result import Departure, Diagnosis, Mistake, Ranges
from attnviz.renderers.diagnosis.seen import seen
from attnviz.text.lessons import Lessons, lessons
from attnviz.trace.trace import FORMAT


def to_json(found: Diagnosis, words: Lessons | None = None) -> bytes:
    """One object, its titles and fixes in ``words`` (None: in its own language); an error that is infinite is null, what is unknown is left out."""
    words = words or lessons(found.language)
    record: dict[str, Any] = {
        "attnviz": FORMAT,
        "verdict": found.verdict.value,
        "error": found.error,
        "tolerance": found.tolerance,
        "dtype": found.dtype,
        "mistakes": [_mistake(one, words) for one in found.mistakes],
        "explanations": [[one.name for one in explanation] for explanation in found.explanations],
    }
    if found.departs is not None:
        record["departs"] = _departure(found.departs)
    if found.suggestion is not None:
        record["suggestion"] = found.suggestion._asdict()
    looked, rows = found.rows
    record["rows"] = {"looked_at": looked, "all": rows}
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def ranges(blocks: Ranges) -> Any:
    """Blocks of positions as [first, behind the last]."""
    return "all" if blocks == "all" else [[block.start, block.stop] for block in blocks]


def _mistake(mistake: Mistake, words: Lessons) -> dict[str, Any]:
    return {
        "name": mistake.name,
        "title": words.say(f"mistake.{mistake.name}"),
        "value": mistake.value,
        "items": mistake.items,
        "heads": mistake.heads,
        "queries": ranges(mistake.queries),
        "keys": ranges(mistake.keys),
        "before": mistake.before,
        "after": mistake.after,
        "fix": words.say(f"fix.{mistake.name}"),
        "seen": seen(mistake.name),
    }


def _departure(departs: Departure) -> dict[str, Any]:
    return {
        "first": departs.first._asdict(),
        "items": departs.items,
        "heads": departs.heads,
        "queries": ranges(departs.queries),
        **({} if departs.keys is None else {"keys": [departs.keys.start, departs.keys.stop]}),
        "share": departs.share,
        "finite": departs.finite,
        "follows": departs.follows,
    }
