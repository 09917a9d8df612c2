"""Arrays in a .safetensors file: whole ones changed at random, and headers that say anything."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy
from fuzzing import mutated, read_and_used
from hypothesis import strategies as st
from safetensors.numpy import save
from strategies import json_values
from traces_of_all_kinds import full_trace

ARRAYS = {name: numpy.arange(12.0).reshape(2, 3, 2) for name in ("query", "key", "value")}
TYPES = ("F64", "F32", "F16", "BF16", "BOOL", "I64", "U8", "F8_E4M3", "F8_E5M2", "C64", "F4", "X", "")
NUMBERS = st.sampled_from([0, 1, 2, 3, 8, 48, 96, 288, -1, 2**32, 2**63, 2**64, 10**30]) | st.floats()
TENSORS = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(TYPES) | json_values(),
        "shape": st.lists(NUMBERS, max_size=4) | json_values(),
        "data_offsets": st.lists(NUMBERS, max_size=3) | st.just([0, 96]) | json_values(),
    },
)
WHOLE = st.builds(
    lambda kind, shape, begin: {"dtype": kind, "shape": shape, "data_offsets": [begin, begin + 48]},
    st.sampled_from(TYPES),
    st.sampled_from([[1, 3, 2], [2, 3, 2], [6], [48], [3, 2]]),
    st.sampled_from([0, 48, 96, 8]),
)
NAMES = st.sampled_from(["query", "key", "value", "mask", "layers.0.query", "__metadata__", "\0", "é"])
METADATA = st.dictionaries(st.sampled_from(["attnviz", "trace", "tokens", "format"]), json_values())
HEADERS = st.dictionaries(NAMES, TENSORS | WHOLE | METADATA | json_values(), max_size=5)


def _saved_trace() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        full_trace().save(Path(folder, "t.safetensors"))
        return Path(folder, "t.safetensors").read_bytes()


def _with_header(header: Any, data: bytes, length: int | None) -> bytes:
    text = json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


CASES = st.one_of(
    mutated(save(ARRAYS, {"tokens": '["a", "b", "c"]'})),
    mutated(_saved_trace()),
    st.builds(
        _with_header,
        HEADERS,
        st.sampled_from([b"", bytes(96), bytes(144), bytes(288)]),
        st.none() | st.sampled_from([0, 1, 8, 100, 2**32, 2**63, 2**64 - 1]),
    ),
)


def check(case: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        read_and_used(Path(folder, "own.safetensors"), case)
        read_and_used(Path(folder, "own"), case)
