"""The steps of a generation as CSV: one row for each token that could have been chosen."""

from __future__ import annotations

import csv
import io
import math

from attnviz.renderers.data.csv_format import cell
from attnviz.trace.trace import Trace
from attnviz.trace.written import written_steps

COLUMNS = ("step", "rank", "token", "probability", "chosen")


def to_csv(trace: Trace) -> str:
    """The predictions of each step, the likeliest first; a token that was chosen without being one of them comes last, without
    a rank."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for written in written_steps(trace):
        found = False
        for rank, (token, probability) in enumerate(written.predictions, start=1):
            chosen = token == written.token and not found
            found = found or chosen
            writer.writerow((written.step, rank, cell(token), probability, int(chosen)))
        if not found:
            known = "" if math.isnan(written.probability) else written.probability
            writer.writerow((written.step, "", cell(written.token), known, 1))
    return text.getvalue()
