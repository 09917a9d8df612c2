"""One array, as vectors of tokens, and as weights alone."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import numpy
from fuzzing import mutated, read_and_used
from hypothesis import strategies as st
from zip_bombs import npy

from attnviz.errors import AttnvizError
from attnviz.sources.files.toy_parts import read_embeddings
from tests.fuzz.npz import CONTENTS, HEADERS

ALONE = npy(numpy.full((2, 1, 2, 2), 0.5)), npy(numpy.ones((1, 1, 3), "f2"))
CASES = st.one_of(
    CONTENTS,
    st.builds(bytes.__add__, HEADERS, st.binary(max_size=300)),
    CONTENTS.flatmap(mutated),
    st.sampled_from(ALONE).flatmap(mutated),
)


def check(case: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "own.npy")
        path.write_bytes(case)
        with suppress(AttnvizError):
            read_embeddings(path)(["a", "b", "c"])
        read_and_used(path, case)
