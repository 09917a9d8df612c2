"""The number of layers that a .gguf file says, among facts of every type, and where they break off."""

from __future__ import annotations

import struct

import gguf
import pytest

from attnviz.sources.huggingface.loading.gguf import HEAD
from attnviz.sources.huggingface.loading.gguf_facts import block_count


def said(path, facts=None):
    with open(path, "rb") as file:
        _, _, _, there = HEAD.unpack(file.read(HEAD.size))
        return block_count(file, there if facts is None else facts)


@pytest.fixture
def written(tmp_path):
    """A file in which facts of every type stand before the one that is asked for, by ggml's own library."""

    def write(layers=True):
        writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
        for kind in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"):
            getattr(writer, f"add_{kind}")(f"a.{kind}", 3)
        writer.add_float32("a.float32", 0.5)
        writer.add_float64("a.float64", 0.5)
        writer.add_bool("a.bool", True)
        writer.add_string("a.string", "words")
        writer.add_array("a.words", ["one", "", "three"])
        writer.add_array("a.numbers", [1, 2, 3])
        if layers:
            writer.add_block_count(17)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        return tmp_path / "m.gguf"

    return write


def test_it_is_found_behind_facts_of_every_type(written):
    assert said(written()) == 17


def test_where_none_is_said_there_is_none(written):
    assert said(written(layers=False)) == 0


def test_where_the_facts_break_off_anywhere_nothing_is_said(written):
    path = written()
    content = path.read_bytes()
    for end in range(HEAD.size, len(content)):
        path.write_bytes(content[:end])
        assert said(path, 99) in (0, 17)


@pytest.mark.parametrize("fact", [struct.pack("<Q", 1 << 62), struct.pack("<Q1sIIQ", 1, b"a", 9, 0, 1 << 60),
                                  struct.pack("<Q1sI", 1, b"a", 77), struct.pack("<Q1sI", 1, b"a", 9) + 99_999 * struct.pack("<IQ", 9, 1)],
                         ids=["key", "array", "type", "nested"])  # fmt: skip
def test_what_cannot_be_read_is_left_to_who_reads_it_whole(tmp_path, fact):
    (tmp_path / "m.gguf").write_bytes(HEAD.pack(b"GGUF", 3, 1, 1) + fact)
    assert said(tmp_path / "m.gguf") == 0
