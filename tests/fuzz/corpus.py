"""Corpora: lines, rows of JSON and of Parquet, compressed or not, whole files changed at random."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tempfile
from pathlib import Path

import pyarrow
import zstandard
from fuzzing import mutated
from hypothesis import strategies as st
from pyarrow import parquet

from attnviz.sources.texts.corpus import read_texts, text_count

LINES = b"\xef\xbb\xbfa b\r\n\n\xe1\xba\xbf c\nd\xff\n"
ROWS = b'{"text": "a b"}\n\n{"text": null}\n{"text": ["a"]}\n{"body": 1}\n["a"]\n{"text": "\\ud800"}\n'


def _parquet() -> bytes:
    written = io.BytesIO()
    parquet.write_table(
        pyarrow.table({"text": ["a", None, "", "b c"] * 40, "n": range(160)}), written, row_group_size=64
    )
    return written.getvalue()


GOOD = {
    ".txt": LINES,
    ".jsonl": ROWS,
    ".parquet": _parquet(),
    ".txt.gz": gzip.compress(LINES),
    ".jsonl.bz2": bz2.compress(ROWS),
    ".jsonl.xz": lzma.compress(ROWS),
    ".txt.zst": zstandard.compress(LINES),
    ".txt.xz": lzma.compress(bytes(1 << 20)),
    ".jsonl.zst": zstandard.compress(b"[" * (1 << 20)),
}
CASES = st.one_of(*(st.tuples(st.just(suffix), mutated(content, 6)) for suffix, content in GOOD.items()))
CASES |= st.tuples(st.sampled_from([*GOOD]), st.binary(max_size=60) | st.sampled_from([*GOOD.values()]))


def check(case: tuple[str, bytes]) -> None:
    suffix, content = case
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"corpus{suffix}")
        path.write_bytes(content)
        other = Path(folder, f"other{suffix}")
        other.write_bytes(content)
        text_count([path])
        for lines in (True, False):
            for one in read_texts([path, other], lines=lines):  # of several files, none is an error
                assert one.number >= 0
        for _ in read_texts([path]):  # of one, it may be
            pass
