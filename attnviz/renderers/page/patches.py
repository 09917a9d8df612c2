"""Tokens that are the patches of an image: which grid they lie in, as their names tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

# r0c1, as sources/huggingface/patches/labels.py calls a patch; in traces of older versions 0,1
PATCH = re.compile(r"r(\d{1,4})c(\d{1,4})|(\d{1,4}),(\d{1,4})")


def patch_grid(tokens: Sequence[str]) -> dict[str, Any] | None:
    """How many tokens come before the patches, and how many columns these have; None where the tokens are no whole grid, row
    by row, of two rows and two columns at the least."""
    first = next((place for place, token in enumerate(tokens) if PATCH.fullmatch(token)), len(tokens))
    found = [PATCH.fullmatch(token) for token in tokens[first:]]
    places = [(int(one[1] or one[3]), int(one[2] or one[4])) for one in found if one]
    if len(places) < len(found) or not places:
        return None
    rows, columns = places[-1][0] + 1, places[-1][1] + 1
    whole = [(row, column) for row in range(rows) for column in range(columns)] if rows * columns == len(places) else []
    return {"before": first, "columns": columns} if places == whole and min(rows, columns) > 1 else None
