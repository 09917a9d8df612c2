"""What explain says of a text that is too long for tables of all pairs: some queries, each with the keys it looks at most.

Only these queries' rows are computed, so it needs no more memory than the trace, however long that is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy

from attnviz.attention.arrays import to_numpy
from attnviz.choices import Step
from attnviz.renderers.explain.document import Section
from attnviz.renderers.explain.top_table import counted, largest, shown_steps, top_table
from attnviz.renderers.explain.writer import Writer
from attnviz.renderers.shared import numbers
from attnviz.text.display import NamedToken
from attnviz.trace.selection import is_long
from attnviz.trace.steps import Head

QUERIES = 4  # that are shown when none was asked for


def top_keys(writer: Writer, head: int) -> Iterator[Section]:
    """A section for each of the queries that are shown of one head."""
    columns = shown_steps(writer)
    chosen = _queries(writer)
    opening = _opening(writer, len(chosen))
    for query in chosen:
        yield _section(writer, query, Head(writer.layer, head, query), columns, opening)
        opening = []  # it is said once


def _opening(writer: Writer, chosen: int) -> list[str]:
    """Why so many queries are shown, and not a table of all pairs."""
    if chosen == 1:
        return []
    if is_long(writer.layer):
        return [writer.say("top.chosen")]
    return [writer.say("top.some")] if chosen < len(writer.selected.query_positions) else []


def _queries(writer: Writer) -> list[int]:
    """Those that are asked for; or, where they are many, the last, which sees the most under a causal mask, and some evenly before it."""
    if writer.selected.query is not None:
        return [writer.selected.query]
    kept = writer.selected.query_positions
    if writer.selected.narrows_queries and len(kept) <= writer.looks.max_tokens:
        return list(kept)
    return sorted({kept[math.ceil(len(kept) * place / QUERIES) - 1] for place in range(1, QUERIES + 1)})


def _section(writer: Writer, query: int, head: Head, columns: list[Step], opening: list[str]) -> Section:
    """One query, whose steps of the ``head`` are (1, keys), after the sentences of ``opening``."""
    steps = head.steps
    name, say = writer.queries[query], writer.say
    title = say("title.top_keys", query=name.text, position=f"{query:,}")
    hidden = steps.hidden[0]
    if hidden.all():
        return Section(title, "", [*opening, say("masked.blind", query=name)], [])
    kept = numpy.array(writer.selected.key_positions)
    seen = kept[~hidden[kept]]
    order = steps.weights if writer.layer.weights_alone else steps.masked  # which tells weights of 0 apart, too
    keys = seen[largest(order[0, seen], writer.looks.top)]
    others = numpy.setdiff1d(seen, keys)
    sentences = [*opening, *_shares(writer, steps, keys, others), *_rest(writer, name, steps)]
    if not len(keys):  # all that it sees is left out
        return Section(title, "", sentences, [])
    rows = [f"{writer.keys[key].text} @{key}" for key in keys]
    values: dict[Step, numpy.ndarray] = {
        step: getattr(steps, step.value)[0, keys] for step in columns if step is not Step.CONTRIBUTION
    }
    if Step.CONTRIBUTION in columns:
        values[Step.CONTRIBUTION] = to_numpy(head.carries(steps.weights[:, keys], slice(query, query + 1), keys))[0]
    left = float(_weights(steps)[others].sum())
    table = top_table(writer, "label.key", rows, values, len(others), left)
    return Section(title, "", [] if writer.looks.quiet else sentences, [table])


def _shares(writer: Writer, steps: Any, keys: numpy.ndarray, others: numpy.ndarray) -> Iterator[str]:
    """What ``keys``, which are shown, and the ``others`` that the query sees take of its weights."""
    weights, count = _weights(steps), len(keys)
    if not count:
        return
    share, left = (numbers.share(float(weights[some].sum())) for some in (keys, others))
    if len(others):
        yield counted(writer, "top.what", count, share=share, rest=f"{len(others):,}", left=left)
    else:
        yield counted(writer, "top.what_all", count, share=share)


def _rest(writer: Writer, name: NamedToken, steps: Any) -> Iterator[str]:
    """What the keys that are left out and the sink take, and what the query becomes."""
    weights, say = _weights(steps), writer.say
    if left_out := float(numpy.delete(weights, numpy.array(writer.selected.key_positions)).sum()):
        yield say("weights.left_out", query=name, share=numbers.share(left_out))
    if writer.layer.rule.sinks is not None:
        yield say("weights.sink", query=name, share=numbers.share(max(1 - float(weights.sum()), 0.0)))
    if Step.OUTPUT in writer.steps and not writer.layer.weights_alone:
        yield say("output.here", query=name, vector=writer.vector(steps.output[0]))


def _weights(steps: Any) -> numpy.ndarray:
    """The weights of the one query, (keys,), in numbers whose sums lose nothing."""
    return numpy.asarray(steps.weights[0], numpy.float64)
