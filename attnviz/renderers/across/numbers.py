"""Attention followed through layers as data for scripts: JSON and CSV, of a map or of each token's share."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy
import orjson

from attnviz.analysis.across.following import Followed, Following, Shares, followed
from attnviz.attention.memory import require_memory
from attnviz.choices import Across
from attnviz.progress import Progress, no_progress
from attnviz.renderers.data.csv_format import cell
from attnviz.text.message import Message
from attnviz.trace.selection import Selection
from attnviz.trace.trace import FORMAT, Trace

MAP_COLUMNS = ("layer", "query", "key", "value", "query_token", "key_token")
SHARE_COLUMNS = ("position", "token", "share")
BYTES = 256  # of one number of a map, while it is written


def whole_map(trace: Trace, selection: Selection, following: Following, report: Progress = no_progress) -> Followed:
    """The map of each pair of query and key by itself; AttnvizError where that would not fit into memory."""
    queries, keys = selection.layers[0].ranges
    require_memory(
        len(queries) * len(keys) * BYTES,
        Message("a map of {queries:,} queries over {keys:,} keys", queries=len(queries), keys=len(keys)),
        "choose fewer with --query A:B --key C:D",
    )
    return followed(trace, selection, following, max(len(queries), len(keys)), report=report)


def map_json(trace: Trace, found: Followed) -> bytes:
    """One object: how attention was followed, and the values, (rows, keys); null where no way leads to a token."""
    rows: dict[str, Any] = {"queries": list(found.part.query_positions)}
    if found.layers:
        rows["down_to"] = [layer.index for layer in found.layers]
    values = [_numbers(row) for row in found.values]
    return _dumped(_record(trace, found) | rows | {"keys": list(found.part.key_positions), "values": values})


def map_csv(trace: Trace, found: Followed) -> str:
    """A row for each value: down to which layer, of which query, on which key; empty where no way leads to a token."""
    part = found.part
    queries, keys = trace.query_tokens(part.layer), trace.key_tokens(part.layer)
    places = part.query_positions if not found.layers else [part.query_positions[0]] * len(found.layers)
    layers = [layer.index for layer in found.layers] or [found.way.layers[-1].index] * len(places)
    return _csv(
        MAP_COLUMNS,
        (
            (layer, query, key, _number(value), cell(queries[query]), cell(keys[key]))
            for layer, query, row in zip(layers, places, found.values, strict=True)
            for key, value in zip(part.key_positions, row.tolist(), strict=True)
        ),
    )


def shares_json(trace: Trace, found: Shares) -> bytes:
    """One object: how attention was followed, of which queries, and the share of each token; null where no way leads to it."""
    return _dumped(
        _record(trace, found) | {"queries": list(found.part.query_positions), "shares": share_records(trace, found)}
    )


def share_records(trace: Trace, found: Shares) -> list[dict[str, Any]]:
    """The position, the token and the share of each key that is shown; None where no way leads to it."""
    return [
        dict(zip(SHARE_COLUMNS, (place, token, share), strict=True))
        for (place, token), share in zip(_tokens(trace, found), _numbers(found.values), strict=True)
    ]


def shares_csv(trace: Trace, found: Shares) -> str:
    """A row for each token; empty where no way leads to it."""
    return _csv(
        SHARE_COLUMNS,
        (
            (place, cell(token), _number(share))
            for (place, token), share in zip(_tokens(trace, found), found.values.tolist(), strict=True)
        ),
    )


def _record(trace: Trace, found: Followed | Shares) -> dict[str, Any]:
    """What a map and the shares both say of how they came about."""
    way = found.way
    data = {
        "attnviz": FORMAT,
        "tokens": trace.query_tokens(found.part.layer),
        "source": trace.source,
        "across": found.following.across.value,
        "heads_as": way.heads_as.value,
        "residual": way.residual,
        "layers": [
            {"layer": layer.index, "name": layer.title, "heads": heads}
            for layer, heads in zip(way.layers, way.heads, strict=True)
        ],
        "left_out": found.left_out,
    }
    return data | ({"flow_error": found.error} if found.following.across is Across.FLOW else {})


def _tokens(trace: Trace, found: Shares) -> list[tuple[int, str]]:
    """The position and the token of each key that is shown."""
    tokens = trace.key_tokens(found.part.layer)
    return [(place, tokens[place]) for place in found.part.key_positions]


def _numbers(values: numpy.ndarray) -> list[float | None]:
    return [None if value == -math.inf else value for value in values.tolist()]


def _number(value: float) -> str:
    """In full, as it is read again."""
    return "" if value == -math.inf else repr(value)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _dumped(data: dict[str, Any]) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE)
