"""Vectors of words as CSV: whole files changed at random, and rows of anything."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fuzzing import mutated
from hypothesis import strategies as st

from attnviz.sources.files.toy_parts import read_embeddings

GOOD = "word,x,y\na,1,2.5\nb,-3e2,4\nế,5,6\n".encode()
CELLS = st.sampled_from(
    ["a", "A", "1", "-2.5", "1e400", "nan", "", " ", '"', '""', '"a,b"', "=1+1", "\x1b[31m", "\ud800", "\0"]
)
CELLS |= st.text(max_size=4) | st.floats().map(str) | st.sampled_from(["9" * 400, "x" * 140_000, "\u2028", "１"])
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\x0c", "\u2028", ""])
ROWS = st.lists(st.builds(str.__add__, st.lists(CELLS, max_size=4).map(",".join), ENDS), max_size=6).map("".join)
CASES = st.one_of(
    mutated(GOOD, 6),
    ROWS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.builds(
        lambda text, encoding: text.encode(encoding, "replace"),
        ROWS,
        st.sampled_from(["utf-8-sig", "utf-16", "latin-1"]),
    ),
    st.binary(max_size=40),
)


def check(case: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("own.csv", "own"):
            path = Path(folder, name)
            path.write_bytes(case)
            read_embeddings(path)(["a", "b"])
