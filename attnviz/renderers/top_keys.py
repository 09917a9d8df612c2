"""What explain says of a text that is too long for tables of all pairs: some queries, each with the keys it looks at most.

Only these queries' rows are computed, so it needs no more memory than the trace, however long that is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy

from attnviz.arrays import to_numpy
from attnviz.attention import Steps
from attnviz.choices import MapStep, Step
from attnviz.errors import AttnvizError
from attnviz.renderers import numbers
from attnviz.renderers.matrices import Matrix
from attnviz.renderers.parts import Section, Writer

TOP = 10  # keys of a query
QUERIES = 4  # that are shown when none was asked for
COLUMNS = tuple(Step(step.value) for step in MapStep)


def top_sections(writer: Writer, head: int) -> Iterator[Section]:
    """A section for each of the queries that are shown of one head."""
    columns = [step for step in COLUMNS if step in writer.steps]
    if not columns:
        raise AttnvizError(
            "of a text as long as this one, the top keys of single queries are shown",
            "choose scores, scaled, masked or weights with --step; heatmap shows the whole",
        )
    chosen = _queries(writer)
    for place, query in enumerate(chosen):
        steps = Steps(*map(to_numpy, writer.layer.steps(head, query)))  # (1, keys)
        sentences = [writer.say("top.chosen")] if len(chosen) > 1 and not place else []
        yield _section(writer, query, steps, columns, sentences)


def _queries(writer: Writer) -> list[int]:
    """The one asked for, or the last, which sees the most under a causal mask, and some evenly before it."""
    if writer.part.query is not None:
        return [writer.part.query]
    kept = writer.part.kept_queries
    return sorted({kept[math.ceil(len(kept) * place / QUERIES) - 1] for place in range(1, QUERIES + 1)})


def _section(writer: Writer, query: int, steps: Steps, columns: list[Step], sentences: list[str]) -> Section:
    name, say = writer.query_names[query], writer.say
    title = say("title.top", query=name, position=f"{query:,}")
    if bool(steps.blind[0]):
        return Section(title, "", [*sentences, say("masked.blind", query=name)], [])
    kept = list(writer.part.kept_keys)
    weights, total = steps.weights[0].astype(numpy.float64), float(steps.weights[0].sum(dtype=numpy.float64))
    left_out = total - float(weights[kept].sum()) if writer.part.narrowed else 0.0
    visible = int((steps.masked[0, kept] > -math.inf).sum())
    keys = [kept[place] for place in _top_places(steps.masked[0, kept], min(writer.looks.top or TOP, visible))]
    if writer.part.key is not None and writer.part.key not in keys:
        keys.append(writer.part.key)
    left = max(total - left_out - float(weights[keys].sum()), 0.0)
    rest = visible - len(keys)
    sentences.append(
        say(
            "top.what",
            count=len(keys),
            share=numbers.share(float(weights[keys].sum())),
            rest=f"{rest:,}",
            left=numbers.share(left),
        )
    )
    if left_out:
        sentences.append(say("weights.left_out", query=name, share=numbers.share(left_out)))
    if writer.layer.rule.sinks is not None:
        sentences.append(say("weights.sink", query=name, share=numbers.share(max(1 - total, 0.0))))
    vector = writer.vector(steps.output[0])
    if Step.OUTPUT in writer.steps:
        sentences.append(say("output.here", query=name, vector=vector))
    return Section(
        title, "", [] if writer.looks.quiet else sentences, [_table(writer, steps, columns, keys, rest, left)]
    )


def _top_places(masked: numpy.ndarray, count: int) -> list[int]:
    """The places of the ``count`` largest of a row, the largest first."""
    if count == 0:
        return []
    candidates = numpy.argpartition(-masked, count - 1)[:count]
    places: list[int] = candidates[numpy.lexsort((candidates, -masked[candidates]))].tolist()
    return places


def _table(writer: Writer, steps: Steps, columns: list[Step], keys: list[int], rest: int, left: float) -> Matrix:
    """A row a key, a column a step; below them what the other keys share."""
    last = Step.WEIGHTS in columns and rest > 0
    rows = [f"{writer.key_names[key]} @{key}" for key in keys]
    cells, tints = [], []
    for step in columns:
        values = getattr(steps, step.value)[0][keys].astype(numpy.float64)
        below = [[left]] if last and step is Step.WEIGHTS else []
        words = numbers.matrix(numpy.array([[value] for value in values] + below), writer.looks.precision)
        cells.append([word for [word] in words] + [""] * (last and not below))
        tinted = step is Step.WEIGHTS
        largest = float(values.max(initial=0.0)) or 1.0
        tints.append([value / largest if tinted else None for value in values.tolist()] + [None] * last)
    return Matrix(
        writer.say("label.key"),
        [*rows, writer.say("label.rest", count=f"{rest:,}")] if last else rows,
        [writer.say(f"title.{step.value}") for step in columns],
        [list(row) for row in zip(*cells, strict=True)],
        [list(row) for row in zip(*tints, strict=True)],
    )
