"""A file is opened once, and its format is told by its name or by what it begins with; a pipe is read, a device refused."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
import pytest
from array_files import SUFFIXES, normal, three, written
from numpy.testing import assert_array_equal

from attnviz import trace_text
from attnviz.errors import AttnvizError
from attnviz.sources.files.contents import opened
from attnviz.sources.files.qkv import read_trace
from attnviz.sources.files.toy_parts import read_embeddings, read_weights
from attnviz.trace.trace import load

VECTORS = {
    ".json": b'\n {"a": [1, 2], "b": [3, 4]}',
    ".csv": b"a,1,2\nb,3,4\n",
    ".npy": b"",
}


@contextmanager
def piped(path: Path, content: bytes) -> Iterator[Path]:
    """A named pipe that gives ``content`` once."""
    os.mkfifo(path)
    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(path.write_bytes, content)
        yield path
        assert writing.result(timeout=30) == len(content)


@SUFFIXES
@pytest.mark.parametrize("name", ["pipe", "pipe{}", "pipe.txt"])
def test_arrays_come_through_a_pipe(tmp_path, suffix, name):
    content = written(tmp_path / f"own{suffix}", three() | {"tokens": ["a", "b", "c"]}).read_bytes()
    with piped(tmp_path / name.format(suffix), content) as path:
        trace = read_trace(path)
    assert_array_equal(trace.layers[0].value, three()["value"])
    assert trace.source.file == path.name


@pytest.mark.parametrize("read", [read_trace, load])
def test_a_saved_trace_comes_through_a_pipe(tmp_path, read):
    saved = trace_text("Your journey starts", heads=2)
    saved.save(tmp_path / "t.safetensors")
    with piped(tmp_path / "pipe", (tmp_path / "t.safetensors").read_bytes()) as path:
        assert_array_equal(read(path).layers[0].query, saved.layers[0].query)


@pytest.mark.parametrize("suffix", VECTORS)
def test_vectors_come_through_a_pipe(tmp_path, suffix):
    stream = io.BytesIO()
    numpy.save(stream, numpy.array([[1.0, 2], [3, 4]]))
    with piped(tmp_path / "pipe", VECTORS[suffix] or stream.getvalue()) as path:
        assert read_embeddings(path)(["a", "b"]).tolist() == [[1, 2], [3, 4]]


@SUFFIXES
def test_matrices_come_through_a_pipe(tmp_path, suffix):
    content = written(tmp_path / f"own{suffix}", {name: normal(3, 3) for name in ("w_q", "w_k", "w_v")}).read_bytes()
    with piped(tmp_path / "pipe", content) as path:
        assert read_weights(path)["key"].weight.shape == (3, 3)


@SUFFIXES
def test_a_name_without_a_suffix_is_told_by_its_content(tmp_path, suffix):
    path = written(tmp_path / f"own{suffix}", three()).rename(tmp_path / "own")
    assert_array_equal(read_trace(path).layers[0].value, three()["value"])


def test_bytes_that_were_read_already_are_called_by_their_name():
    content = json.dumps({name: value.tolist() for name, value in three().items()}).encode("utf-8-sig")
    trace = read_trace(Path("standard input"), None, content)
    assert (trace.source.file, trace.layers[0].name) == ("standard input", "standard input")
    with pytest.raises(AttnvizError, match=r"^standard input: arrays are read from"):
        read_trace(Path("standard input"), None, b"words")
    with pytest.raises(AttnvizError, match=r"^standard input is empty"):
        read_trace(Path("standard input"), None, b"")


@pytest.mark.parametrize("content", [b"\x80\x05K\x01.", b"\x80\x02}."])
@pytest.mark.parametrize("read", [read_trace, read_weights, read_embeddings])
def test_a_pickle_without_a_name_is_no_less_a_pickle(tmp_path, read, content):
    (tmp_path / "own").write_bytes(content)
    with pytest.raises(AttnvizError, match="is a pickle, which can run any code"):
        read(tmp_path / "own")


@pytest.mark.parametrize(
    ("read", "suffix"),
    [
        (read, suffix)
        for read, suffixes in (
            (read_trace, (".npz", ".safetensors", ".json", "")),
            (load, (".safetensors",)),
            (read_weights, (".npz", ".safetensors", ".json", "")),
            (read_embeddings, (".npy", ".csv", ".json", "")),
        )
        for suffix in suffixes
    ],
)
def test_a_device_that_never_ends_is_refused_whatever_links_to_it(tmp_path, read: Callable[[Path], Any], suffix):
    link = tmp_path / f"own{suffix}"
    link.symlink_to("/dev/zero")
    for path in (link, Path("/dev/zero")) if not suffix else (link,):
        with pytest.raises(AttnvizError, match=f"{path} is a device, which may never end"):
            read(path)


@pytest.mark.parametrize("read", [read_trace, read_weights, read_embeddings])
def test_a_device_without_content_is_empty(tmp_path, read):
    with pytest.raises(AttnvizError, match="/dev/null is empty"):
        read(Path("/dev/null"))
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(AttnvizError, match="is a directory"):
        read(tmp_path / "folder.pt")


@SUFFIXES
def test_a_file_is_opened_once(tmp_path, monkeypatch, suffix):
    """But a .safetensors file on a disk, which its library opens, and which is mapped."""
    path = written(tmp_path / f"own{suffix}", three())
    opens = []
    real = io.open

    def counted(file, *arguments, **options):
        opens.append(file)
        return real(file, *arguments, **options)

    monkeypatch.setattr("builtins.open", counted)
    with opened(path, (suffix,), "arrays") as contents:
        assert contents.mapped
    assert opens == [path]
    if suffix != ".safetensors":
        read_trace(path)
        assert opens == [path] * 2


@pytest.mark.parametrize("suffix", [".safetensors", ""])
def test_ctrl_c_ends_the_wait_for_a_pipe_that_nobody_writes_to(tmp_path, suffix):
    path = tmp_path / f"pipe{suffix}"
    os.mkfifo(path)
    # To this thread, as in a program that has no other; and as it comes there, whatever a library or a test has asked for
    # meanwhile: a handler of another's raises nothing, and the wait would go on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.siginterrupt(signal.SIGINT, True)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    interruption = threading.Timer(0.2, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    release = threading.Timer(20, path.write_bytes, (b"it went on waiting",))
    interruption.daemon = release.daemon = True  # one that has no reader any more would hold the process at its end
    release.start()
    interruption.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            read_trace(path)
    finally:
        release.cancel()
        signal.signal(signal.SIGINT, before)
