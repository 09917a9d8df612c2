"""The same numbers as data: JSON (the contract for scripts), CSV in long form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
import orjson

from attnviz.analysis.key_column import Column, columns
from attnviz.attention.arrays import to_numpy
from attnviz.attention.formula import Steps
from attnviz.attention.memory import require_memory
from attnviz.choices import MapStep, Step
from attnviz.trace.selection import LayerSelection, Selection, is_long
from attnviz.trace.trace import FORMAT, Trace

MAP_STEPS = tuple(Step(step.value) for step in MapStep)
COMPUTED = {*MAP_STEPS, Step.OUTPUT}
BYTES_AS_JSON = 32  # of one number of a map, while it is written
HEAD_STEPS = (Step.QUERY, Step.KEY, Step.VALUE, *MAP_STEPS, Step.OUTPUT)


def to_json(trace: Trace, selection: Selection) -> bytes:
    """One line of JSON, in full precision; −∞ is null, what is unknown is left out.

    orjson writes NumPy arrays and the shortest decimal of each float itself, ten times as fast as the standard
    library, and turns what is not finite into null.
    """
    return orjson.dumps(
        record(trace, selection), default=_listed, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    )


def record(trace: Trace, selection: Selection) -> dict[str, Any]:
    """The selected part of ``trace`` as a dict of NumPy arrays, shaped as the README's JSON contract says."""
    require_room(selection, BYTES_AS_JSON, "JSON")
    layers = [layer_record(trace, selected, selection.steps) for selected in selection.layers]
    return {"attnviz": FORMAT, "tokens": trace.tokens, "source": trace.source, "layers": layers}


def require_room(selection: Selection, size: int, what: str) -> None:
    """Refuse maps that are too many to be written, before any of them is computed."""
    maps = len(set(MAP_STEPS) & set(selection.steps))
    pairs = sum(
        len(selected.heads) * len(selected.shown_queries) * len(selected.shown_keys) for selected in selection.layers
    )
    require_memory(
        maps * pairs * size,
        f"{what} of {maps} steps of {pairs:,} pairs of a query and a key",
        "give a shorter text, or choose a part with --head, --step and, in CSV, --query or --key; -o NAME.safetensors holds all",
    )


def layer_record(trace: Trace, selected: LayerSelection, steps: tuple[Step, ...]) -> dict[str, Any]:
    layer, rule = selected.layer, selected.layer.rule
    data: dict[str, Any] = {"layer": layer.index, "name": layer.name, "kind": layer.kind}
    data |= _places(trace, selected)
    data |= {"causal": rule.causal, "scale": layer.scale, "window": rule.window, "softcap": rule.softcap}
    if rule.query_offset is not None:
        data["query_offset"] = rule.query_offset
    if rule.sinks is not None:
        data["sinks"] = to_numpy(rule.sinks)
    for step, array in ((Step.EMBEDDINGS, layer.embeddings), (Step.POSITIONS, layer.positions)):
        if step in steps and array is not None:
            data[step.value] = _kept(array, selected.queries)
    if Step.INPUTS in steps and layer.positions is not None:
        data["inputs"] = _kept(layer.inputs, selected.queries)
    if Step.PROJECTIONS in steps and layer.projections:
        data["projections"] = {name: _projection(one) for name, one in layer.projections.items()}
    return data | _computed(selected, steps)


def _places(trace: Trace, selected: LayerSelection) -> dict[str, Any]:
    """The tokens of rows and columns where they are not the text's, and their positions where some are left out."""
    layer = selected.layer
    data: dict[str, Any] = {}
    if layer.tokens is not None or selected.queries is not None:
        data["query_tokens"] = [trace.query_tokens(layer)[query] for query in selected.query_positions]
    if layer.key_tokens is not None or selected.queries != selected.keys:
        data["key_tokens"] = [trace.key_tokens(layer)[key] for key in selected.key_positions]
    if selected.queries is not None:
        data["query_positions"] = selected.queries
    if selected.keys is not None:
        data["key_positions"] = selected.keys
    return data


def _kept(array: Any, rows: tuple[int, ...] | None, columns: tuple[int, ...] | None = None) -> numpy.ndarray:
    """The rows, and the columns, that are not left out."""
    kept: numpy.ndarray = to_numpy(array)
    kept = kept if rows is None else kept[list(rows)]
    return kept if columns is None else kept[:, list(columns)]


def _computed(selected: LayerSelection, steps: tuple[Step, ...]) -> dict[str, Any]:
    """What has to be computed: the heads, and what follows from all of them together."""
    layer, heads = selected.layer, selected.heads
    together = layer.together(steps)
    if not together and not any(step in HEAD_STEPS for step in steps):
        return {}
    if _is_column(selected) and not together:
        return {"heads": [_head(selected, head, column, steps) for head, column in _columns(selected, steps)]}
    alone = selected.query if _is_alone(selected) else None
    shown, outputs = {}, []
    for head in range(layer.heads) if together else heads:
        computed = Steps(*map(to_numpy, layer.steps(head, alone))) if together or COMPUTED & set(steps) else None
        if computed is not None and together:
            outputs.append(computed.output)
        if head in heads:
            shown[head] = _head(selected, head, computed, steps)
    data: dict[str, Any] = {"heads": [shown[head] for head in heads]}
    if together:
        concat = layer.concat(numpy.stack(outputs))
        projected = layer.projected(concat)
        if Step.CONCAT in steps and layer.heads > 1:
            data["concat"] = _kept(concat, _computed_rows(selected))
        if Step.PROJECTED in steps and projected is not None:
            data["projected"] = _kept(projected, _computed_rows(selected))
    return data


def _is_alone(selected: LayerSelection) -> bool:
    """Whether but one query of a long text is computed."""
    return selected.queries == (selected.query,) and is_long(selected.layer)


def _is_column(selected: LayerSelection) -> bool:
    """Whether but one key of a long text is told of, by all queries."""
    return selected.query is None and selected.keys == (selected.key,) and is_long(selected.layer)


def _columns(selected: LayerSelection, steps: tuple[Step, ...]) -> Iterator[tuple[int, Column | None]]:
    """Each head with the column of the key that is asked for, where a step needs it."""
    if not COMPUTED & set(steps):
        return zip(selected.heads, [None] * len(selected.heads), strict=True)
    assert selected.key is not None
    return zip(selected.heads, columns(selected.layer, selected.heads, selected.key), strict=True)


def _computed_rows(selected: LayerSelection) -> tuple[int, ...] | None:
    """Which rows of what is computed are kept."""
    return None if _is_alone(selected) else selected.queries


def _head(
    selected: LayerSelection, head: int, computed: Steps | Column | None, steps: tuple[Step, ...]
) -> dict[str, Any]:
    layer, kv_head = selected.layer, selected.layer.kv_head(head)
    data: dict[str, Any] = {"head": head, "kv_head": kv_head}
    for step, array, rows in (
        (Step.QUERY, layer.query[head], selected.queries),
        (Step.KEY, layer.key[kv_head], selected.keys),
        (Step.VALUE, layer.value[kv_head], selected.keys),
    ):
        if step in steps:
            data[step.value] = _kept(array, rows)
    for step in (*MAP_STEPS, Step.OUTPUT):
        if step in steps and computed is not None:
            values = getattr(computed, step.value)
            if isinstance(computed, Column):
                data[step.value] = _kept(values[:, None], selected.queries)
            else:
                columns_kept = selected.keys if step in MAP_STEPS else None
                data[step.value] = _kept(values, _computed_rows(selected), columns_kept)
    return data


def _projection(projection: Any) -> dict[str, Any]:
    data = {"weight": to_numpy(projection.weight)}
    return data if projection.bias is None else data | {"bias": to_numpy(projection.bias)}


def _listed(value: Any) -> Any:
    """What orjson cannot read in place: arrays that are not contiguous, or of a type that it does not know."""
    if isinstance(value, numpy.ndarray):
        return value.tolist() if value.flags.c_contiguous else numpy.ascontiguousarray(value)
    raise TypeError(f"{type(value).__name__} in a record")
