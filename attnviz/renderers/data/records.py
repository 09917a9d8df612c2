"""The numbers as a record: what JSON writes whole, and CSV a row a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy

from attnviz.analysis.key_column import Column, key_columns
from attnviz.attention.arrays import to_numpy
from attnviz.attention.memory import require_memory
from attnviz.choices import CONTRIBUTIONS, Step
from attnviz.text.message import Message
from attnviz.trace.layer import Layer
from attnviz.trace.projection import Projection
from attnviz.trace.selection import LayerSelection, Selection, is_long
from attnviz.trace.steps import STEPS, Head, HeadByHead, Owner, Rows, available, steps_of
from attnviz.trace.trace import FORMAT, Trace


def record(trace: Trace, selection: Selection) -> dict[str, Any]:
    """The selected part of ``trace`` as a dict of NumPy arrays, shaped as the contract for scripts says (manual/json.md)."""
    layers = [layer_record(trace, selected, selection.steps) for selected in selection.layers]
    told = {"attnviz": FORMAT, "tokens": trace.tokens} | _facts(trace) | {"source": trace.source}
    return told | written(trace) | {"layers": layers}


def _facts(trace: Trace) -> dict[str, Any]:
    """What the tokenizer of a model told of each token; what follows from the tokens themselves is left out."""
    if not trace.facts.words:
        return {}
    told = {"words": trace.words, "spans": trace.spans, "texts": trace.texts, "segments": trace.segments}
    return {name: facts for name, facts in told.items() if facts}


def written(trace: Trace) -> dict[str, Any]:
    """What the model predicts, and what it wrote itself; what is not known of it is left out."""
    data: dict[str, Any] = {}
    if trace.predictions:
        data["predictions"] = trace.predictions
    if (generation := trace.generation) is not None:
        known = {"prompt": generation.prompt, "text": generation.text}
        data |= {name: text for name, text in known.items() if text is not None}
        data |= {"generated": len(generation.chosen), "chosen": generation.chosen}
        if generation.probabilities:
            data["probabilities"] = generation.probabilities
    return data


def require_room(selection: Selection, size: int, what: str) -> None:
    """Refuse maps that are too many to be written, before any of them is computed."""
    maps = sum(STEPS[step].is_map for step in selection.steps)
    require_memory(
        maps * selection.pairs * size,
        Message(
            "{what} of {maps} steps of {pairs:,} pairs of a query and a key",
            what=what,
            maps=maps,
            pairs=selection.pairs,
        ),
        "give a shorter text, or choose a part with --head, --step and, in CSV, --query or --key; -o NAME.safetensors holds all",
    )


def layer_record(trace: Trace, selected: LayerSelection, steps: tuple[Step, ...]) -> dict[str, Any]:
    """The selected part of one layer, as a dict of NumPy arrays."""
    layer = selected.layer
    data: dict[str, Any] = {"layer": layer.index, "name": layer.name, "kind": layer.kind}
    data |= _tokens(trace, selected)
    data |= _boxes(selected)
    data |= _told_of_rule(layer)
    if layer.toward is not None and not {*CONTRIBUTIONS}.isdisjoint(steps):
        data["toward"] = layer.toward.token
    for step in steps_of(Owner.LAYER):
        if step in steps and (array := STEPS[step].array(layer)) is not None:
            data[step.value] = _projections(array) if step is Step.PROJECTIONS else _kept(array, selected.queries)
    return data | _computed(selected, steps)


def _told_of_rule(layer: Layer) -> dict[str, Any]:
    """What of the rule is a number; of weights alone, which of a model's keys they are of, as far as that was told."""
    rule = layer.rule
    data: dict[str, Any] = {"causal": rule.causal}
    data |= {} if layer.weights_alone else {"scale": layer.scale}
    data |= {"window": rule.window}
    data |= {} if layer.weights_alone else {"softcap": rule.softcap}
    if rule.query_offset is not None:
        data["query_offset"] = rule.query_offset
    if rule.sinks is not None:
        data["sinks"] = to_numpy(rule.sinks)
    return data


def _tokens(trace: Trace, selected: LayerSelection) -> dict[str, Any]:
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


def _boxes(selected: LayerSelection) -> dict[str, Any]:
    """What keys show of a picture, and queries where they are others: a box each, null for what shows nothing."""
    layer = selected.layer
    sides = {"boxes": (layer.boxes, selected.keys), "query_boxes": (layer.query_boxes, selected.queries)}
    return {
        name: [None if numpy.isnan(box[0]) else box.tolist() for box in _kept(boxes, places)]
        for name, (boxes, places) in sides.items()
        if boxes is not None
    }


def _kept(array: Any, rows: tuple[int, ...] | None, columns: tuple[int, ...] | None = None) -> numpy.ndarray:
    """The rows, and the columns, that are not left out."""
    kept: numpy.ndarray = to_numpy(array)
    kept = kept if rows is None else kept[list(rows)]
    return kept if columns is None else kept[:, list(columns)]


def _computed(selected: LayerSelection, steps: tuple[Step, ...]) -> dict[str, Any]:
    """What has to be computed: the heads, and what follows from all of them together."""
    heads = HeadByHead(selected.layer, selected.heads, steps, _alone(selected))
    if not heads.needs_all and not any(STEPS[step].owner is Owner.HEAD for step in steps):
        return {}
    if _is_column(selected) and not {Step.CONCAT, Step.PROJECTED}.intersection(available(selected.layer), steps):
        return {"heads": _of_column(selected, steps)} | _of_column_summed(selected, steps)
    shown = {head.head: _head(selected, head, steps) for head in heads}
    data: dict[str, Any] = {"heads": [shown[head] for head in selected.heads]}
    together = heads.together
    for step in steps_of(Owner.HEADS):
        if step in steps and STEPS[step].known(selected.layer):
            columns = selected.keys if STEPS[step].is_map else None
            data[step.value] = _kept(STEPS[step].array(together), _computed_rows(selected), columns)
    return data


def _alone(selected: LayerSelection) -> range | None:
    """The queries of a long text that are computed without the others, since no others are asked for."""
    if selected.queries is None or not selected.narrows_queries or not is_long(selected.layer):
        return None
    rows = range(selected.queries[0], selected.queries[-1] + 1)
    return rows if len(rows) == len(selected.queries) else None


def _is_column(selected: LayerSelection) -> bool:
    """Whether only one key of a long text is shown, for all queries."""
    return selected.query is None and selected.keys == (selected.key,) and is_long(selected.layer)


def _of_column(selected: LayerSelection, steps: tuple[Step, ...]) -> list[dict[str, Any]]:
    """The heads, each with the column of the key that is asked for, where a step needs it."""
    found: Iterable[Column | None] = [None] * len(selected.heads)
    if any(STEPS[step].computed for step in steps):
        assert selected.key is not None
        found = key_columns(selected.layer, selected.heads, selected.key)
    return [
        _head(selected, Head(selected.layer, head), steps, column)
        for head, column in zip(selected.heads, found, strict=True)
    ]


def _of_column_summed(selected: LayerSelection, steps: tuple[Step, ...]) -> dict[str, Any]:
    """What all heads together bring from the key that is asked for, where that is among ``steps``."""
    layer, key = selected.layer, selected.key
    if Step.SUMMED not in steps or not STEPS[Step.SUMMED].known(layer):
        return {}
    from attnviz.trace.summed import SummedContribution

    assert key is not None
    columns = key_columns(layer, range(layer.heads), key)
    weights = numpy.stack([column.weights[:, None] for column in columns])
    summed = SummedContribution(layer)(weights, keys=numpy.array([key]))
    return {Step.SUMMED.value: _kept(summed, selected.queries)}


def _computed_rows(selected: LayerSelection) -> tuple[int, ...] | None:
    """Which rows of what is computed are kept."""
    return selected.queries if _alone(selected) is None else None


def _head(
    selected: LayerSelection, head: Head, steps: tuple[Step, ...], column: Column | None = None
) -> dict[str, Any]:
    """What of ``steps`` is a head's; of a column alone, where it is one key that is told of."""
    data: dict[str, Any] = {"head": head.head}
    data |= {} if head.layer.weights_alone else {"kv_head": head.kv_head}
    for step in steps_of(Owner.HEAD):
        facts = STEPS[step]
        if step not in steps or not facts.known(head.layer):
            continue
        if column is not None and facts.computed:
            data[step.value] = _kept(_of_key(selected, head, step, column), selected.queries)
            continue
        queries = _computed_rows(selected) if facts.computed else selected.queries
        rows = selected.keys if facts.rows is Rows.KEYS else queries
        data[step.value] = _kept(facts.array(head), rows, selected.keys if facts.is_map else None)
    return data


def _of_key(selected: LayerSelection, head: Head, step: Step, column: Column) -> numpy.ndarray:
    """What a step says of the one key that is asked for, (queries, 1)."""
    if step is not Step.CONTRIBUTION:
        return numpy.asarray(getattr(column, step.value)[:, None])
    assert selected.key is not None
    return numpy.asarray(to_numpy(head.carries(column.weights[:, None], keys=numpy.array([selected.key]))))


def _projections(projections: Mapping[str, Projection]) -> dict[str, Any]:
    return {name: _projection(one) for name, one in projections.items()}


def _projection(projection: Projection) -> dict[str, Any]:
    data = {"weight": to_numpy(projection.weight)}
    return data if projection.bias is None else data | {"bias": to_numpy(projection.bias)}
