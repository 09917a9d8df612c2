"""The difference of two traces as plain records: one flat record a pair of heads, for a table of data; or nested, for JSON."""

from __future__ import annotations

import math
from typing import Any

from attnviz.analysis.difference.alignment import Alignment
from attnviz.analysis.difference.result import Difference, HeadDifference, Source, Texts
from attnviz.renderers.data.csv_format import cell
from attnviz.trace.trace import FORMAT

TOKENS = ("query_token", "key_token")  # fields whose words are a person's own


def records(found: Difference) -> list[dict[str, Any]]:
    """A record for each pair of heads, the furthest apart first; None is what is not known, and of equal weights the place of
    the largest difference. Positions are of the left text."""
    return [_flat(found, one) for one in found.shown]


def _flat(found: Difference, one: HeadDifference) -> dict[str, Any]:
    most, furthest = one.apart.largest, one.furthest
    queries, keys = found.left.trace.query_tokens(one.layers[0]), found.left.trace.key_tokens(one.layers[0])
    return {
        "left_layer": one.left.layer,
        "left_name": one.left.title,
        "left_head": one.left.head,
        "right_layer": one.right.layer,
        "right_name": one.right.title,
        "right_head": one.right.head,
        "divergence": known(one.divergence),
        "queries": len(one.places.left_queries),
        "furthest_query": None if furthest is None else int(one.places.left_queries[furthest]),
        "furthest_divergence": None if furthest is None else float(one.apart.rows[furthest]),
        "query": None if most is None else most.query,
        "key": None if most is None else most.key,
        "query_token": None if most is None else queries[most.query],
        "key_token": None if most is None else keys[most.key],
        "left": None if most is None else most.left,
        "right": None if most is None else most.right,
        "left_rest": known(one.apart.rest[0]),
        "right_rest": known(one.apart.rest[1]),
    }


def nested(found: Difference) -> dict[str, Any]:
    """Everything as JSON has it."""
    texts = {} if _as_tokens(found) else {"texts": [_texts(one) for one in found.texts]}
    return {
        "attnviz": FORMAT,
        "sources": {"left": _source(found.left), "right": _source(found.right)},
        **_alignment(found.tokens),
        **texts,
        "spelled": found.tokens.spelled,
        "pool": found.pool.value,
        "only": {
            side: [[one.layer, one.head] for one in only]
            for side, only in zip(("left", "right"), found.only, strict=True)
        },
        "heads": [_head(found, one) for one in found.shown],
    }


def _head(found: Difference, one: HeadDifference) -> dict[str, Any]:
    most, furthest = one.apart.largest, one.furthest
    text = {} if _as_tokens(found) else {"text": one.text}
    return {
        "left": [one.left.layer, one.left.head],
        "right": [one.right.layer, one.right.head],
        "names": {"left": one.left.title, "right": one.right.title},
        **text,
        "divergence": known(one.divergence),
        "largest": None if most is None else most._asdict(),
        "queries": len(one.places.left_queries),
        "furthest": None
        if furthest is None
        else {"query": int(one.places.left_queries[furthest]), "divergence": float(one.apart.rows[furthest])},
        "rest": {"left": known(one.apart.rest[0]), "right": known(one.apart.rest[1])},
    }


def _source(source: Source) -> dict[str, Any]:
    file = {"file": source.file} if source.file else {}
    return {**file, "tokens": source.trace.tokens, "source": source.trace.source}


def _as_tokens(found: Difference) -> bool:
    """Whether every head reads the tokens of the traces, and nothing else."""
    return found.texts == (Texts(found.tokens, found.tokens),)


def _texts(texts: Texts) -> dict[str, Any]:
    return {"queries": _alignment(texts.queries), "keys": _alignment(texts.keys)}


def _alignment(one: Alignment) -> dict[str, Any]:
    left, right = one.unmatched
    return {"aligned": one.pairs, "unmatched": {"left": left, "right": right}}


def known(value: float) -> float | None:
    """``value``, or None for NaN."""
    return None if math.isnan(value) else value


def written(name: str, value: Any) -> str:
    """The value ``name`` of a record as CSV has it: a token is never a formula, what is not known is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return cell(value) if name in TOKENS else value
    return repr(value)
