"""The roles of a model's heads as JSON for scripts."""

from __future__ import annotations

import orjson

from attnviz.trace.roles import Roles, head_role_record
from attnviz.trace.trace import FORMAT


def to_json(found: Roles) -> bytes:
    """One object; what could not be measured is left out."""
    return orjson.dumps(
        {
            "attnviz": FORMAT,
            "model": found.model,
            "cases": found.cases,
            "seed": found.seed,
            "tried": found.tried,
            "heads": found.heads,
            "roles": [head_role_record(one) for one in found.roles],
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )
