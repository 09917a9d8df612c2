"""A .gguf file changed at random, and one whose facts say anything: it is read, or told in one line, and nothing is opened beside it."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

from fuzzing import INTERESTING, mutated
from gguf_files import gguf_llama
from hypothesis import strategies as st

from attnviz import trace_model

HEADER = 4000  # bytes from the beginning, where all stands that says what the rest is
FACTS = (
    "vocab_size",
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "attention.head_count",
    "attention.head_count_kv",
    "rope.dimension_count",
    "attention.key_length",
    "expert_count",
)
ARCHITECTURES = ("llama", "qwen2", "gpt2", "t5", "mamba", "nothing", "")
NUMBERS = st.sampled_from([number & 0xFFFFFFFF for number in INTERESTING] + [2, 3, 4, 8, 31, 33, 64])


@lru_cache
def _written(packed: bool, architecture: str = "llama", facts: tuple[tuple[str, int], ...] = ()) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return gguf_llama(Path(folder, "m.gguf"), packed, architecture, **dict(facts)).read_bytes()


@st.composite
def _with_a_strange_header(draw: st.DrawFn) -> bytes:
    """The weights as they are, behind a header with some bytes changed: elsewhere most changes only change a number."""
    content = _written(draw(st.booleans()))
    return draw(mutated(content[:HEADER])) + content[HEADER:]


CASES = st.one_of(
    _with_a_strange_header(),
    mutated(_written(True)),
    st.builds(
        _written,
        st.booleans(),
        st.sampled_from(ARCHITECTURES),
        st.dictionaries(st.sampled_from(FACTS), NUMBERS, max_size=2).map(lambda facts: tuple(sorted(facts.items()))),
    ),
)


def check(case: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.gguf")
        path.write_bytes(case)
        trace_model(str(path), "Your step")
