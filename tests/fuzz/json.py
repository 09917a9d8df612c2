"""Arrays and vectors as JSON: whole files changed at random, and any JSON in their place."""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from fuzzing import mutated, read_and_used
from hypothesis import strategies as st
from strategies import json_values

from attnviz.errors import AttnvizError
from attnviz.sources.files.toy_parts import read_embeddings, read_weights

ARRAY = [[1.0, 2.5], [3, -4e3]]
GOOD = {
    "q": ARRAY,
    "k": ARRAY,
    "v": ARRAY,
    "tokens": ["a", "ế"],
    "mask": [[1, 0], [1, 1]],
    "scale": 0.5,
    "causal": True,
}
ALONE = {"attentions": [[[[0.25, 0.75], [1, 0]]], [[[0.5, 0.5], [0, 1]]]], "tokens": ["a", "b"], "causal": False}
WEIGHTS = {"w_q": ARRAY, "w_k": ARRAY, "w_v": ARRAY, "b_q": [0, 1]}
VECTORS = {"a": [1, 2], "b": [3, 4], "c": [5.5, 1e3]}
NAMES = (
    "q",
    "Query",
    "k",
    "v",
    "mask",
    "attn_mask",
    "bias",
    "sinks",
    "tokens",
    "scale",
    "window",
    "weights",
    "attentions",
    "layer_1",
    "w_q",
    "in_proj_weight",
)
TEXTS = ["[" * 5000, '{"a":' * 3000, "[" + "9" * 5000 + "]", '{"q": ["' + "x" * 9000 + '"' + ', "b"' * 900 + "]}"]
TEXTS += ['{"q": [' + "[]," * 3000 + "0]}", "[" * 400 + "]" * 400, "\ufeff{}", '{"q": 1, "q": 2}', '"\\ud800"']


def _encoded(value: Any, encoding: str, escaped: bool) -> bytes:
    return json.dumps(value, ensure_ascii=escaped).encode(encoding, "surrogatepass")


ENCODINGS = st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-be"])
CASES = st.one_of(
    *(mutated(json.dumps(whole, ensure_ascii=False).encode(), 6) for whole in (GOOD, ALONE, WEIGHTS, VECTORS)),
    st.builds(_encoded, st.dictionaries(st.sampled_from(NAMES), json_values(), max_size=5), ENCODINGS, st.booleans()),
    st.builds(
        lambda changes: json.dumps(GOOD | changes).encode(), st.dictionaries(st.sampled_from(NAMES), json_values())
    ),
    st.sampled_from(TEXTS).map(str.encode),
    st.binary(max_size=30),
)


def check(case: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "own.json")
        path.write_bytes(case)
        for read in (read_embeddings, read_weights):
            with suppress(AttnvizError):
                read(path)
        read_and_used(path, case)
