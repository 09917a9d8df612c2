"""The difference of two traces as CSV for scripts."""

from __future__ import annotations

import csv
import io

from attnviz.analysis.difference.result import Difference
from attnviz.renderers.difference.records import records, written


def to_csv(found: Difference) -> str:
    """A row for each pair of heads, the furthest apart first."""
    rows = records(found)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([written(*field) for field in row.items()] for row in rows)
    return text.getvalue()
