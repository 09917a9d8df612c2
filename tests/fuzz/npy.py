"""One array, as vectors of tokens."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fuzzing import mutated
from hypothesis import strategies as st

from attnviz.sources.files.toy_parts import read_embeddings
from tests.fuzz.npz import CONTENTS, HEADERS

CASES = st.one_of(CONTENTS, st.builds(bytes.__add__, HEADERS, st.binary(max_size=300)), CONTENTS.flatmap(mutated))


def check(case: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "own.npy")
        path.write_bytes(case)
        read_embeddings(path)(["a", "b", "c"])
