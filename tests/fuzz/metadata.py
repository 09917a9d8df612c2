"""The record of a saved trace with any JSON in any of its fields, and arrays of any shape beside it."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy
from fuzzing import mutated, read_and_used
from hypothesis import strategies as st
from safetensors.numpy import save
from strategies import json_values

LAYER = {
    "index": 0,
    "name": "cross 0",
    "kind": "cross",
    "tokens": ["a", "b"],
    "key_tokens": ["c", "d"],
    "rotary": True,
    "rotation": {"halves": True, "gain": 1.0},
    "toward": "a",
    "slopes": [0.5],
    "rule": {"scale": 1.0, "causal": True, "query_offset": 0, "window": 2, "softcap": 3.5},
}
AGREEMENT = {"largest_error": 1e-7, "checked_queries": 2, "errors": {"layer 0": 1e-7}}
HALF = {"hits": 0.5, "hits_interval": [0.4, 0.6]}
ROLE = {
    "role": "syntax",
    "verdict": "proved",
    "layer": 1,
    "head": 0,
    **HALF,
    "offset": {"offset": 2, **HALF},
    "accuracy": 0.5,
    "accuracy_interval": [0.4, 0.6],
    "ablated": {"syntax": 0.5},
    "ablated_interval": {"syntax": [0.4, 0.6]},
    "helpers": [{"layer": 0, "head": 0, "accuracy": 0.5, "accuracy_interval": [0.4, 0.6]}],
    "missing": [],
    "example": {"tokens": ["a"], "true": 0, "answer": "b", "weights": [1.0]},
}
RECORD = {
    "tokens": ["a", "b"],
    "source": {"kind": "model", "model": "M", "agreement": AGREEMENT, "ids": [1, 2], "special": [0], "unread": ["z"]},
    "layers": [LAYER, {**LAYER, "index": 1, "name": "", "kind": "self", "tokens": None, "key_tokens": None}],
    "roles": [ROLE],
    "predictions": [[], [["c", 0.5], ["d", 0.25]]],
    "facts": {"words": [0, None], "spans": [[0, 1], None], "texts": ["a", "##b"], "segments": [0, 1]},
    "target_facts": {"words": [0, 0]},
    "generation": {"chosen": ["b", "c"], "probabilities": [1.0, 0.5], "prompt": "a", "text": "bc"},
}
ARRAYS = {f"layers.{number}.{name}": numpy.eye(2)[None] for number in range(2) for name in ("query", "key", "value")}
PARTS = (
    "query",
    "rule.mask",
    "rule.bias",
    "rule.bias_by_distance",
    "rule.sinks",
    "rule.other",
    "embeddings",
    "positions",
)
PARTS += tuple(f"projections.{name}.{part}" for name in ("query", "value", "output") for part in ("weight", "bias"))
HARD = st.sampled_from(
    [10**30, 2**63, 2**53 + 1, -1, True, 1e308, 5e-324, "\ud800", "\x1b[31m", "a\n\x85", [[]] * 50, {}]
)


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    extra = [(*place, "later")] if isinstance(value, dict) else []
    return [place, *extra, *(found for name, one in items for found in _places(one, (*place, name)))]


PLACES = _places(RECORD)
SHAPED = st.builds(
    lambda shape, kind, value: numpy.full(shape, value).astype(kind),
    st.lists(st.integers(0, 3), max_size=4),
    st.sampled_from(["<f8", "<f4", "<f2", "?", "<i8", "u1"]),
    st.sampled_from([0.0, 1.0, 250.0]),
)


@st.composite
def _changed(draw: st.DrawFn) -> bytes:
    record: Any = {"": copy.deepcopy(RECORD)}
    for _ in range(draw(st.integers(0, 3))):
        *steps, last = ("", *draw(st.sampled_from(PLACES)))
        owner, value = record, copy.deepcopy(draw(json_values() | HARD))  # later changes may go into it
        try:
            for step in steps:
                owner = owner[step]
            owner[last] = value
        except (KeyError, IndexError, TypeError):  # of a place that an earlier change has taken away
            continue
    arrays = draw(
        st.dictionaries(st.builds("layers.{}.{}".format, st.integers(0, 1), st.sampled_from(PARTS)), SHAPED, max_size=2)
    )
    text = json.dumps(record[""])
    text = draw(st.just(text) | mutated(text.encode()).map(lambda changed: changed.decode("utf-8", "replace")))
    return save(ARRAYS | arrays, {"attnviz": draw(st.sampled_from([*["1"] * 9, "2", ""])), "trace": text})


CASES = _changed()


def check(case: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        read_and_used(Path(folder, "t.safetensors"), case)
