"""What must be the same of statistics that are merged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attnviz.errors import AttnvizError
from attnviz.text.display import shorten, shown_line
from attnviz.text.message import Message

SHOWN = 60  # cells of what an error quotes


def require_same(name: str, mine: Any, theirs: Any) -> None:
    """Raise the AttnvizError that says what ``name`` is in either, where that differs."""
    if mine != theirs:
        raise AttnvizError(
            "they cannot be merged: {name} is {mine} in one and {theirs} in the other",
            "merge what was measured of the same model with the same options",
            name=name,
            mine=_quoted(mine),
            theirs=_quoted(theirs),
        )


def require_alike(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """The same for each name of either; one that the other lacks is not set there."""
    for name in sorted(mine.keys() | theirs.keys()):
        require_same(name, mine.get(name), theirs.get(name))


def _quoted(value: Any) -> str:
    """A value as JSON writes it, of which a person may see a line."""
    if value is None:
        return Message("not set")
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return shorten(shown_line(text), SHOWN)
