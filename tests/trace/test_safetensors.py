"""Arrays in a .safetensors file: every type, and every way to be damaged."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor

import ml_dtypes
import numpy
import pytest
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import damaged
from traces_of_all_kinds import full_trace, normal, opened, plain_trace

from attnviz.attention.arrays import to_numpy
from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.trace import safetensors as trace_safetensors
from attnviz.trace.layer import Layer
from attnviz.trace.safetensors import LARGE, UNREAD, read_safetensors, write_safetensors
from attnviz.trace.trace import Trace, load

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_a_trace_of_tensors_comes_back_with_the_same_numbers(tmp_path, dtype):
    query = torch.from_numpy(normal(2, 3, 4)).to(dtype)
    rule = Rule(sinks=torch.tensor([0.5, 1.0], dtype=dtype), mask=torch.eye(3, dtype=torch.bool))
    saved = Trace(("a", "b", "c"), (Layer(query.requires_grad_(), query, query, rule),))
    saved.save(tmp_path / "trace.safetensors")
    loaded = load(tmp_path / "trace.safetensors").layers[0]
    assert_array_equal(loaded.query, query.detach().double())
    assert_allclose(loaded.steps().output, to_numpy(saved.layers[0].steps().output), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [">f8", "int16", ml_dtypes.bfloat16])
def test_a_trace_of_unusual_arrays_comes_back_with_the_same_numbers(tmp_path, dtype):
    query = (4 * normal(1, 3, 4)).astype(dtype)
    Trace(("a", "b", "c"), (Layer(query, query, query),)).save(tmp_path / "trace.safetensors")
    assert_array_equal(load(tmp_path / "trace.safetensors").layers[0].query, query.astype(numpy.float64))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("traces") / "trace.safetensors"
    full_trace().save(path)
    return path


def test_a_file_cut_short_is_an_error(saved):
    content = saved.read_bytes()
    path = saved.with_name("cut.safetensors")
    for length in [*range(64), *range(64, len(content), 97), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(AttnvizError, match=r"not a readable \.safetensors file"):
            load(path)


@settings(max_examples=150)
@given(data=st.data())
def test_a_damaged_file_is_an_error_or_a_trace(saved, data):
    opened(saved.with_name("damaged.safetensors"), data.draw(damaged(saved.read_bytes())))


@settings(max_examples=100)
@given(data=st.data())
def test_a_changed_header_is_an_error_or_a_trace(saved, data):
    content = bytearray(saved.read_bytes())
    header = int.from_bytes(content[:8], "little")
    for position in data.draw(st.lists(st.integers(8, 7 + header), min_size=1, max_size=3)):
        content[position] ^= data.draw(st.integers(1, 255))
    opened(saved.with_name("changed.safetensors"), bytes(content))


class Unsaved:
    """An array that fails when its numbers are asked for."""

    dtype = numpy.dtype(float)


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "trace.safetensors"
    plain_trace().save(path)
    before = path.read_bytes()
    with pytest.raises(AttnvizError, match=r"query has the dtype object, which a \.safetensors file cannot hold"):
        write_safetensors(path, {"query": Unsaved()}, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,), (5, 3)])
def test_the_library_reads_what_is_written_and_arrays_are_aligned(tmp_path, shape):
    kinds = ["f8", "f4", "f2", "?", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", ">f8", ">i2"]
    arrays = {f"{place} ế\n{kind}": (9 * numpy.ones(shape)).astype(kind) for place, kind in enumerate(kinds)}
    arrays["turned"] = numpy.arange(12.0).reshape(3, 4).T
    write_safetensors(tmp_path / "t.safetensors", arrays, {"of": "ế\n"})
    with safetensors.safe_open(tmp_path / "t.safetensors", framework="numpy") as file:
        assert file.metadata() == {"of": "ế\n"}
        assert sorted(file.keys()) == sorted(arrays)
        for name, array in arrays.items():
            assert_array_equal(file.get_tensor(name), array)
            assert file.get_tensor(name).dtype == array.dtype.newbyteorder("=")
    content = (tmp_path / "t.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert length % 8 == 0
    for name, array in arrays.items():
        assert header[name]["data_offsets"][0] % array.dtype.itemsize == 0


def test_the_same_trace_is_the_same_file(tmp_path):
    for name in ("a", "b"):
        full_trace().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_large_array_is_mapped_and_a_small_one_read(tmp_path):
    large, small = numpy.arange(LARGE // 8, dtype=float), numpy.arange(3.0)
    write_safetensors(tmp_path / "t.safetensors", {"large": large, "small": small}, {"of": "mine"})
    arrays, metadata = read_safetensors(tmp_path / "t.safetensors")
    assert metadata == {"of": "mine"}
    assert_array_equal(arrays["large"], large)
    assert_array_equal(arrays["small"], small)
    assert not arrays["large"].flags.writeable  # the file's own bytes
    assert arrays["small"].flags.writeable


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as threads:
        read = threads.submit(pipe.read_bytes)
        write_safetensors(pipe, {"query": numpy.ones(3)}, {})
        content = read.result(timeout=60)
    assert pipe.is_fifo()
    assert_array_equal(safetensors.numpy.load(content)["query"], numpy.ones(3))


def test_a_full_disk_is_one_clear_line():
    with pytest.raises(AttnvizError, match=r"/dev/full"):
        write_safetensors("/dev/full", {"query": numpy.ones(3)}, {})


def test_a_type_that_numpy_lacks_is_named(tmp_path):
    content = safetensors.torch.save({"query": torch.ones(2, 2).to(torch.float8_e4m3fn)})
    (tmp_path / "t.safetensors").write_bytes(content)
    with pytest.raises(AttnvizError, match=r"t\.safetensors"):
        read_safetensors(tmp_path / "t.safetensors")


def opened_bytes(content: bytes, **options):
    return read_safetensors("standard input", content, **options)


@pytest.mark.parametrize("kind", ["F64", "F32", "F16", "BF16", "I64", "BOOL"])
def test_bytes_and_pipes_are_read_as_a_file_is(tmp_path, kind):
    dtype = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "BOOL": "bool"}[
        kind
    ]
    tensors = {"query": torch.arange(6).reshape(2, 3).to(getattr(torch, dtype)), "empty": torch.zeros(0, 2)}
    content = safetensors.torch.save(tensors, {"of": "mine"})
    (tmp_path / "t.safetensors").write_bytes(content)
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as threads:
        threads.submit((tmp_path / "pipe").write_bytes, content)
        piped = read_safetensors(tmp_path / "pipe")
    for arrays, metadata in (piped, opened_bytes(content), read_safetensors(tmp_path / "t.safetensors")):
        assert metadata == {"of": "mine"}
        assert_array_equal(arrays["query"], tensors["query"].to(torch.float64))
        assert arrays["empty"].shape == (0, 2)
        assert arrays["query"].flags.writeable


def test_only_what_is_wanted_is_read():
    """A type that NumPy lacks does no harm where nobody asks for it."""
    tensors = {"query": torch.ones(2, 2), "other": torch.ones(2, 2).to(torch.float8_e4m3fn)}
    arrays, _ = opened_bytes(safetensors.torch.save(tensors), wanted=lambda name: name == "query")
    assert arrays["other"] is UNREAD
    assert_array_equal(arrays["query"], numpy.ones((2, 2)))
    with pytest.raises(
        AttnvizError, match="standard input: other holds numbers of the type F8_E4M3, which NumPy lacks"
    ):
        opened_bytes(safetensors.torch.save(tensors))


def test_all_of_a_saved_trace_is_read_whatever_is_wanted(saved):
    arrays, _ = read_safetensors(saved, wanted=lambda _: False)
    assert not any(array is UNREAD for array in arrays.values())


@pytest.mark.parametrize("length", [0, 1, 2**31, 2**63, 2**64 - 1])
def test_a_header_that_lies_about_its_length_is_damaged(tmp_path, length):
    content = length.to_bytes(8, "little") + b"{}"
    (tmp_path / "t.safetensors").write_bytes(content)
    for read in (lambda: opened_bytes(content), lambda: read_safetensors(tmp_path / "t.safetensors")):
        with pytest.raises(AttnvizError, match=r"is not a readable \.safetensors file"):
            read()


def test_a_name_that_is_quoted_is_written_out():
    header = json.dumps({"\x1b\n": {"dtype": "F64", "shape": [1], "data_offsets": [8, 0]}}).encode()
    with pytest.raises(AttnvizError) as error:
        opened_bytes(len(header).to_bytes(8, "little") + header)
    assert error.value.message.isprintable()


def test_what_would_not_fit_is_refused_before_it_is_read(saved, monkeypatch):
    monkeypatch.setattr(trace_safetensors, "COPIES", 1 << 60)
    with pytest.raises(AttnvizError, match=r"what .*trace\.safetensors holds needs .* of memory"):
        read_safetensors(saved)
