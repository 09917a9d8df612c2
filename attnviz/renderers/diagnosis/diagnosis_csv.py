"""A diagnosis as CSV for scripts: a row for each mistake."""

from __future__ import annotations

import csv
import io
from typing import Any

from attnviz.analysis.diagnosis.result import Diagnosis, Mistake
from attnviz.renderers.diagnosis.seen import seen

OF_ALL = ("verdict", "error", "tolerance", "dtype")
OF_EACH = ("explanation", "name", "value", "items", "heads", "queries", "keys", "before", "after", "seen")


def to_csv(found: Diagnosis) -> str:
    """A row for each mistake of each explanation, which are numbered from 1; of none, a row of the verdict alone."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*OF_ALL, *OF_EACH])
    verdict = [found.verdict.value, repr(found.error), repr(found.tolerance), found.dtype]
    rows = [
        [*verdict, number, *_cells(one)]
        for number, explanation in enumerate(found.explanations, start=1)
        for one in explanation
    ]
    writer.writerows(rows or [[*verdict, *[""] * len(OF_EACH)]])
    return text.getvalue()


def _cells(mistake: Mistake) -> list[str]:
    return [
        mistake.name,
        "" if mistake.value is None else repr(mistake.value),
        *(_places(part) for part in (mistake.items, mistake.heads, mistake.queries, mistake.keys)),
        repr(mistake.before),
        repr(mistake.after),
        " ".join(seen(mistake.name)),
    ]


def _places(part: Any) -> str:
    """Positions with a space in between; a block as A:B, as elsewhere, B behind the last."""
    if part == "all":
        return "all"
    return " ".join(f"{one.start}:{one.stop}" if isinstance(one, range) else str(one) for one in part)
