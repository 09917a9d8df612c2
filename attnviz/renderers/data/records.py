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
from attnviz.trace.selection import Part, Selection, is_long
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
    layers = [layer_record(trace, part, selection.steps) for part in selection.layers]
    return {"attnviz": FORMAT, "tokens": trace.tokens, "source": dict(trace.source), "layers": layers}


def require_room(selection: Selection, size: int, what: str) -> None:
    """Refuse maps that are too many to be written, before any of them is computed."""
    maps = len(set(MAP_STEPS) & set(selection.steps))
    pairs = sum(len(part.heads) * len(part.shown_queries) * len(part.shown_keys) for part in selection.layers)
    require_memory(
        maps * pairs * size,
        f"{what} of {maps} steps of {pairs:,} pairs of a query and a key",
        "give a shorter text, or choose a part with --head, --step and, in CSV, --query or --key; -o NAME.safetensors holds all",
    )


def layer_record(trace: Trace, part: Part, steps: tuple[Step, ...]) -> dict[str, Any]:
    layer, rule = part.layer, part.layer.rule
    data: dict[str, Any] = {"layer": layer.index, "name": layer.name, "kind": layer.kind}
    data |= _places(trace, part)
    data |= {"causal": rule.causal, "scale": layer.scale, "window": rule.window, "softcap": rule.softcap}
    if rule.query_offset is not None:
        data["query_offset"] = rule.query_offset
    if rule.sinks is not None:
        data["sinks"] = to_numpy(rule.sinks)
    for step, array in ((Step.EMBEDDINGS, layer.embeddings), (Step.POSITIONS, layer.positions)):
        if step in steps and array is not None:
            data[step.value] = _kept(array, part.queries)
    if Step.INPUTS in steps and layer.positions is not None:
        data["inputs"] = _kept(layer.inputs, part.queries)
    if Step.PROJECTIONS in steps and layer.projections:
        data["projections"] = {name: _projection(one) for name, one in layer.projections.items()}
    return data | _computed(part, steps)


def _places(trace: Trace, part: Part) -> dict[str, Any]:
    """The tokens of rows and columns where they are not the text's, and their positions where some are left out."""
    layer = part.layer
    data: dict[str, Any] = {}
    if layer.tokens is not None or part.queries is not None:
        data["query_tokens"] = [trace.query_tokens(layer)[query] for query in part.kept_queries]
    if layer.key_tokens is not None or part.queries != part.keys:
        data["key_tokens"] = [trace.key_tokens(layer)[key] for key in part.kept_keys]
    if part.queries is not None:
        data["query_positions"] = part.queries
    if part.keys is not None:
        data["key_positions"] = part.keys
    return data


def _kept(array: Any, rows: tuple[int, ...] | None, columns: tuple[int, ...] | None = None) -> numpy.ndarray:
    """The rows, and the columns, that are not left out."""
    kept: numpy.ndarray = to_numpy(array)
    kept = kept if rows is None else kept[list(rows)]
    return kept if columns is None else kept[:, list(columns)]


def _computed(part: Part, steps: tuple[Step, ...]) -> dict[str, Any]:
    """What has to be computed: the heads, and what follows from all of them together."""
    layer, heads = part.layer, part.heads
    together = layer.together(steps)
    if not together and not any(step in HEAD_STEPS for step in steps):
        return {}
    if _is_column(part) and not together:
        return {"heads": [_head(part, head, column, steps) for head, column in _columns(part, steps)]}
    alone = part.query if _is_alone(part) else None
    shown, outputs = {}, []
    for head in range(layer.heads) if together else heads:
        computed = Steps(*map(to_numpy, layer.steps(head, alone))) if together or COMPUTED & set(steps) else None
        if computed is not None and together:
            outputs.append(computed.output)
        if head in heads:
            shown[head] = _head(part, head, computed, steps)
    data: dict[str, Any] = {"heads": [shown[head] for head in heads]}
    if together:
        concat = layer.concat(numpy.stack(outputs))
        projected = layer.projected(concat)
        if Step.CONCAT in steps and layer.heads > 1:
            data["concat"] = _kept(concat, _computed_rows(part))
        if Step.PROJECTED in steps and projected is not None:
            data["projected"] = _kept(projected, _computed_rows(part))
    return data


def _is_alone(part: Part) -> bool:
    """Whether but one query of a long text is computed."""
    return part.queries == (part.query,) and is_long(part.layer)


def _is_column(part: Part) -> bool:
    """Whether but one key of a long text is told of, by all queries."""
    return part.query is None and part.keys == (part.key,) and is_long(part.layer)


def _columns(part: Part, steps: tuple[Step, ...]) -> Iterator[tuple[int, Column | None]]:
    """Each head with the column of the key that is asked for, where a step needs it."""
    if not COMPUTED & set(steps):
        return zip(part.heads, [None] * len(part.heads), strict=True)
    assert part.key is not None
    return zip(part.heads, columns(part.layer, part.heads, part.key), strict=True)


def _computed_rows(part: Part) -> tuple[int, ...] | None:
    """Which rows of what is computed are kept."""
    return None if _is_alone(part) else part.queries


def _head(part: Part, head: int, computed: Steps | Column | None, steps: tuple[Step, ...]) -> dict[str, Any]:
    layer, kv_head = part.layer, part.layer.kv_head(head)
    data: dict[str, Any] = {"head": head, "kv_head": kv_head}
    for step, array, rows in (
        (Step.QUERY, layer.query[head], part.queries),
        (Step.KEY, layer.key[kv_head], part.keys),
        (Step.VALUE, layer.value[kv_head], part.keys),
    ):
        if step in steps:
            data[step.value] = _kept(array, rows)
    for step in (*MAP_STEPS, Step.OUTPUT):
        if step in steps and computed is not None:
            values = getattr(computed, step.value)
            if isinstance(computed, Column):
                data[step.value] = _kept(values[:, None], part.queries)
            else:
                columns_kept = part.keys if step in MAP_STEPS else None
                data[step.value] = _kept(values, _computed_rows(part), columns_kept)
    return data


def _projection(projection: Any) -> dict[str, Any]:
    data = {"weight": to_numpy(projection.weight)}
    return data if projection.bias is None else data | {"bias": to_numpy(projection.bias)}


def _listed(value: Any) -> Any:
    """What orjson cannot read in place: arrays that are not contiguous, or of a type that it does not know."""
    if isinstance(value, numpy.ndarray):
        return value.tolist() if value.flags.c_contiguous else numpy.ascontiguousarray(value)
    raise TypeError(f"{type(value).__name__} in a record")
