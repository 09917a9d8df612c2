"""Each token's share of what queries read through the layers, as a table for a person."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy
from rich.console import Group
from rich.text import Text

from attnviz.analysis.across.following import Shares
from attnviz.renderers.across.wording import how, notes
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.facts import exactness, row_sums
from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.matrix import HIDDEN, Matrix
from attnviz.renderers.shared.table import BOLD, DIM, MatrixTable
from attnviz.text.lessons import Lessons, lessons
from attnviz.trace.trace import Trace

MOST_ROWS = 40  # of a longer text, the largest shares alone
DECIMALS = 4


def to_renderable(trace: Trace, found: Shares, words: Lessons | None = None) -> Group:
    """A row for each token in its place or, of a long text, for each of the largest shares; below them, what is not shown."""
    said = told(trace, found, words or lessons())
    return Group(Text(said.title, style=BOLD), Text(said.facts, style=DIM), Text(""), MatrixTable(said.matrix))


class Told(NamedTuple):
    """All that the table says: how attention was followed, of what, and the shares."""

    title: str
    facts: str
    matrix: Matrix


def told(trace: Trace, found: Shares, words: Lessons) -> Told:
    """What the table of ``found`` says."""
    source = trace.source
    beside = [
        *notes(found, words),
        exactness(source.model_name, source.agreement.largest_error, words),
        row_sums(source, words),
    ]
    facts = " · ".join(filter(None, [_whose(trace, found, words), *beside]))
    return Told(", ".join(how(found, words)), facts, _matrix(trace, found, words))


def _whose(trace: Trace, found: Shares, words: Lessons) -> str:
    """Of which query, or of how many, the shares are."""
    part = found.part
    queries = part.query_positions
    if len(queries) == 1:
        token = name(trace.query_tokens(part.layer)[queries[0]])
        return words.say("across.of_query", word=token, place=f"{queries[0]:,}")
    return words.say("across.mean_of_queries", count=f"{len(queries):,}")


def _matrix(trace: Trace, found: Shares, words: Lessons) -> Matrix:
    tokens, places = trace.key_tokens(found.part.layer), found.part.key_positions
    shown = _shown(found.values)
    values = found.values[shown]
    seen = values > -math.inf
    rest = len(found.values) - len(shown)
    wide = len(f"{places[-1]:,}")
    rows = [f"{places[row]:>{wide},} {name(tokens[places[row]])}" for row in shown]
    shares = numpy.where(seen, values, 0.0)
    if rest:
        rows.append(words.say("label.rest_one") if rest == 1 else words.say("label.rest", count=f"{rest:,}"))
        left = numpy.delete(found.values, shown)
        shares = numpy.append(shares, left[left > -math.inf].sum())
    told = numbers.shares(shares, DECIMALS)
    cells = [
        [word if there else words.say("across.unreached")] for word, there in zip(told, [*seen, True], strict=False)
    ]
    tints = (values / (values.max(initial=0.0) or 1.0)).tolist()
    return Matrix(
        corner=words.say("label.token"),
        rows=rows,
        columns=[words.say("across.share")],
        cells=cells,
        tints=[[tint if there else HIDDEN] for tint, there in zip(tints, seen, strict=True)] + [[None]] * bool(rest),
    )


def _shown(values: numpy.ndarray) -> list[int]:
    """The places of the values that are shown: all in their order, or the largest, the largest first."""
    if len(values) <= MOST_ROWS:
        return list(range(len(values)))
    return list(numpy.argsort(-values, kind="stable")[:MOST_ROWS].tolist())
