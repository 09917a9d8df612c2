"""The numbers as CSV in long form: one row per number."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy

from attnviz.choices import Step
from attnviz.errors import UsageError
from attnviz.renderers.data.records import layer_record, require_room
from attnviz.text.display import shown
from attnviz.trace.selection import LayerSelection, Selection, is_long
from attnviz.trace.steps import STEPS, Owner, Rows, steps_of
from attnviz.trace.trace import Trace

COLUMNS = ("layer", "head", "step", "query", "key", "value", "dimension", "query_token", "key_token")
BYTES = 256  # of one number of a map, while it is written
FORMULA_STARTS = "=+-@\t\r＝＋－＠"  # a spreadsheet would compute a cell that begins so (OWASP, "CSV Injection")

Names = tuple[list[str], list[str]]  # of the queries and of the keys, as they are written


def to_csv(trace: Trace, selection: Selection, line: int | None = None) -> str:
    """One row a number, with its place in named columns; ``line`` adds a first column that holds it."""
    require_room(selection, BYTES, "CSV")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    before = () if line is None else (line,)
    for selected in selection.layers:
        layer = selected.layer
        names = (
            [cell(token) for token in trace.query_tokens(layer)],
            [cell(token) for token in trace.key_tokens(layer)],
        )
        steps = _steps_asked(selected, selection.steps)
        selected = _narrowed(selected)
        data = layer_record(trace, selected, steps)
        writer.writerows((*before, *row) for row in _layer_rows(data, names, selected))
    return text.getvalue()


def _narrowed(selected: LayerSelection) -> LayerSelection:
    """``selected`` without the queries and keys that are not asked for."""
    if not selected.whole:
        selected = selected._replace(
            queries=tuple(selected.query_positions) if selected.narrows_queries else selected.queries,
            keys=tuple(selected.key_positions) if selected.narrows_keys else selected.keys,
        )
    if is_long(selected.layer):  # in a short text the other rows and columns cost nothing
        if selected.query is not None:
            selected = selected._replace(queries=(selected.query,))
        elif selected.key is not None:
            selected = selected._replace(keys=(selected.key,))
    return selected


def _steps_asked(selected: LayerSelection, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps in which the query, or the key, that is asked for stands; UsageError where those that are named have none."""
    if selected.narrows_queries == selected.narrows_keys:
        return steps
    asked, other = ("query", "key") if selected.narrows_queries else ("key", "query")
    having = tuple(step for step in steps if STEPS[step].is_map or (STEPS[step].rows is Rows.KEYS) == (asked == "key"))
    if steps and not having:
        raise UsageError(
            "--{asked} chooses rows, and {steps} has no rows for a {asked}",
            "use --{other}, or leave out --step",
            asked=asked,
            steps=", ".join(steps),
            other=other,
        )
    return having


def csv_header(line: bool = False) -> str:
    """The first line of the CSV."""
    return ",".join((("line",) if line else ()) + COLUMNS) + "\n"


def _layer_rows(data: dict[str, Any], names: Names, selected: LayerSelection) -> Iterator[tuple[Any, ...]]:
    """A row for each number of the record of a layer, in the order of its steps."""
    for owner in Owner:
        records = data.get("heads", ()) if owner is Owner.HEAD else [data]
        for record in records:
            for step in steps_of(owner):
                if step.value in record and STEPS[step].rows is not Rows.DIMENSIONS:
                    place = selected.layer.index, record.get("head", ""), step.value
                    yield from ((*place, *row) for row in _rows(step, record[step.value], names, selected))


def _rows(step: Step, array: numpy.ndarray, names: Names, selected: LayerSelection) -> Iterator[tuple[Any, ...]]:
    """The query, the key, the number, the dimension and both tokens of each number that is shown."""
    query_names, key_names = names
    maps, of_keys = STEPS[step].is_map, STEPS[step].rows is Rows.KEYS
    columns = selected.key_positions if maps else range(array.shape[1])
    # As text in the array's own precision: a float32 is 0.1, not 0.10000000149011612.
    for row, values in zip(
        selected.key_positions if of_keys else selected.query_positions, array.astype(str).tolist(), strict=True
    ):
        if (selected.key if of_keys else selected.query) not in (None, row):
            continue
        for column, value in zip(columns, values, strict=True):
            if maps and selected.key in (None, column):
                yield row, column, value, "", query_names[row], key_names[column]
            elif of_keys:
                yield "", row, value, column, "", key_names[row]
            elif not maps:
                yield row, "", value, column, query_names[row], ""


def cell(token: str) -> str:
    """A token as text in every spreadsheet: one that would be a formula gets a leading apostrophe."""
    return no_formula(shown(token))


def no_formula(text: str) -> str:
    """``text`` as text in every spreadsheet: what would be a formula gets a leading apostrophe."""
    return f"'{text}" if text.startswith(tuple(FORMULA_STARTS)) else text
