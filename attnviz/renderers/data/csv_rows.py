"""The numbers as CSV in long form: a row a number."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from attnviz.choices import Step
from attnviz.errors import UsageError
from attnviz.renderers.data.records import HEAD_STEPS, MAP_STEPS, layer_record, require_room
from attnviz.text.display import shown
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection, Selection, is_long
from attnviz.trace.trace import Trace

CSV_COLUMNS = ("layer", "head", "step", "query", "key", "value", "dimension", "query_token", "key_token")
BYTES_AS_CSV = 256  # of one number of a map, while it is written
OF_KEYS = (Step.KEY, Step.VALUE)  # a row a key; all other steps but the maps of both have a row a query
FORMULA_STARTS = "=+-@\t\r"  # a spreadsheet would compute a cell that begins so (OWASP, "CSV Injection")


def to_csv(trace: Trace, selection: Selection, line: int | None = None) -> str:
    """One row a number, with its place in named columns; ``line`` adds a first column that holds it."""
    require_room(selection, BYTES_AS_CSV, "CSV")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    before = () if line is None else (line,)
    for selected in selection.layers:
        layer = selected.layer
        names = (
            [_cell(token) for token in trace.query_tokens(layer)],
            [_cell(token) for token in trace.key_tokens(layer)],
        )
        if is_long(layer):  # in a short text the other rows and columns cost nothing
            if selected.query is not None:
                selected = selected._replace(queries=(selected.query,))
            elif selected.key is not None:
                selected = selected._replace(keys=(selected.key,))
        data = layer_record(trace, selected, _told(selected, selection.steps))
        for step in (Step.EMBEDDINGS, Step.POSITIONS, Step.INPUTS):
            writer.writerows((*before, *row) for row in _rows(layer, "", step, data, names, selected))
        for head in data.get("heads", ()):
            for step in HEAD_STEPS:
                writer.writerows((*before, *row) for row in _rows(layer, head["head"], step, head, names, selected))
        for step in (Step.CONCAT, Step.PROJECTED):
            writer.writerows((*before, *row) for row in _rows(layer, "", step, data, names, selected))
    return text.getvalue()


def _told(selected: LayerSelection, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps in which the query, or the key, that is asked for stands; UsageError where those that are named have none."""
    if (selected.query is None) == (selected.key is None):
        return steps
    asked, other = ("query", "key") if selected.key is None else ("key", "query")
    told = tuple(step for step in steps if step in MAP_STEPS or (step in OF_KEYS) == (asked == "key"))
    if steps and not told:
        raise UsageError(
            f"--{asked} chooses rows, and {', '.join(steps)} has none of a {asked}",
            f"take --{other}, or leave out --step",
        )
    return told


def csv_header(line: bool = False) -> str:
    """The first line of the CSV."""
    return ",".join((("line",) if line else ()) + CSV_COLUMNS) + "\n"


def _rows(
    layer: Layer,
    head: int | str,
    step: Step,
    data: dict[str, Any],
    names: tuple[list[str], list[str]],
    selected: LayerSelection,
) -> Iterator[tuple[Any, ...]]:
    array = data.get(step.value)
    if array is None:
        return
    query_names, key_names = names
    maps, of_keys = step in MAP_STEPS, step in (Step.KEY, Step.VALUE)
    columns = selected.key_positions if maps else range(array.shape[1])
    # As text in the array's own precision: a float32 is 0.1, not 0.10000000149011612.
    for row, values in zip(
        selected.key_positions if of_keys else selected.query_positions, array.astype(str).tolist(), strict=True
    ):
        if (selected.key if of_keys else selected.query) not in (None, row):
            continue
        for column, value in zip(columns, values, strict=True):
            if maps and selected.key in (None, column):
                yield layer.index, head, step.value, row, column, value, "", query_names[row], key_names[column]
            elif of_keys:
                yield layer.index, head, step.value, "", row, value, column, "", key_names[row]
            elif not maps:
                yield layer.index, head, step.value, row, "", value, column, query_names[row], ""


def _cell(token: str) -> str:
    """A token as text in every spreadsheet: one that would be a formula gets a leading apostrophe."""
    text = shown(token)
    return "'" + text if text[0] in FORMULA_STARTS else text
