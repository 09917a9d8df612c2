"""The difference of two traces as JSON for scripts."""

from __future__ import annotations

import orjson

from attnviz.analysis.difference.result import Difference
from attnviz.renderers.difference.records import nested


def to_json(found: Difference) -> bytes:
    """One object; what is not known is null."""
    return orjson.dumps(nested(found), option=orjson.OPT_APPEND_NEWLINE)
