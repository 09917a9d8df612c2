"""What explain says of one key of a text that is too long for tables of all pairs: the queries that look at it most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy

from attnviz.analysis.key_column import Column, key_columns
from attnviz.attention.arrays import to_numpy
from attnviz.choices import Step
from attnviz.errors import AttnvizError
from attnviz.progress import Progress
from attnviz.renderers.explain.document import Section
from attnviz.renderers.explain.top_table import counted, largest, shown_steps, top_table
from attnviz.renderers.explain.writer import Writer
from attnviz.renderers.shared import numbers
from attnviz.trace.contribution import HeadContribution


def top_queries(writer: Writer, key: int, report: Progress) -> Iterator[Section]:
    """A section for each of the heads that are shown."""
    steps = shown_steps(writer)
    columns = key_columns(writer.layer, writer.selected.heads, key, report)
    for head, column in zip(writer.selected.heads, columns, strict=True):
        yield _section(writer, key, head, column, steps)


def asked_keys(writer: Writer) -> Sequence[int]:
    """The keys that are asked for, of which each gets a section for each head."""
    keys, most = writer.selected.shown_keys, writer.looks.max_tokens
    if writer.selected.query is not None or writer.selected.narrows_queries:
        raise AttnvizError(
            "the top keys of a query, or the top queries of a key, are shown: not both sides at once",
            "leave out --query or --key, take --format csv, or draw them with heatmap",
        )
    if len(keys) > most:
        raise AttnvizError(
            "{keys:,} keys are too many to show the top queries of each",
            "choose {most} or fewer with --key A:B",
            keys=len(keys),
            most=most,
        )
    return keys


def _section(writer: Writer, key: int, head: int, column: Column, steps: list[Step]) -> Section:
    say = writer.say
    title = say("title.top_queries", key=writer.keys[key].text, position=f"{key:,}")
    kept = numpy.array(writer.selected.query_positions)
    seeing = kept[~column.hidden[kept]]
    if not len(seeing):
        return Section(title, "", [say("top.unseen")], [])
    weights = column.weights.astype(numpy.float64)
    queries = seeing[largest(weights[seeing], writer.looks.top)]
    others = numpy.setdiff1d(seeing, queries)
    mass = float(weights[seeing].sum())
    sentence = counted(
        writer,
        "top.received",
        len(queries),
        queries=f"{len(seeing):,}",
        mass=numbers.share(mass),
        mean=numbers.share(mass / len(seeing)),
        share=numbers.share(float(weights[queries].sum())),
    )
    rows = [f"{writer.queries[query].text} @{query}" for query in queries]
    values: dict[Step, numpy.ndarray] = {
        step: getattr(column, step.value)[queries] for step in steps if step is not Step.CONTRIBUTION
    }
    if Step.CONTRIBUTION in steps:
        carries = HeadContribution(writer.layer, head)
        values[Step.CONTRIBUTION] = to_numpy(carries(column.weights[queries, None], queries, numpy.array([key])))[:, 0]
    table = top_table(writer, "label.query", rows, values, len(others), float(weights[others].sum()))
    return Section(title, "", [] if writer.looks.quiet else [sentence], [table])
