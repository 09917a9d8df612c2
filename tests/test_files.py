import errno
import fcntl
import os
import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import ml_dtypes
import numpy
import pytest
import torch
from numpy.testing import assert_array_equal
from safetensors.torch import save_file

from attnviz import files
from attnviz.errors import AttnvizError
from attnviz.files import read_stream, read_whole, remove_unfinished, require_file, write_whole, written_whole
from attnviz.trace.safetensors import read_safetensors, write_safetensors

ARRAYS = {"numbers": numpy.arange(6.0).reshape(2, 3)}
WRITERS = pytest.mark.parametrize(
    "write",
    [lambda path: write_whole(path, [b"ne", b"w"]), lambda path: write_safetensors(path, ARRAYS, {})],
    ids=["bytes", "safetensors"],
)


@contextmanager
def umask(mask: int):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def full_device(tmp_path):
    """A device without space, as /dev/full, that a test may break."""
    path = tmp_path / "full"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 7))
        path.open("wb").close()
    except PermissionError:
        pytest.skip("only root makes devices")  # CI is root
    return path


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "file"
    for content in (b"one", b"", b"two"):
        write_whole(path, [content])
        assert path.read_bytes() == content


@WRITERS
def test_who_reads_the_old_file_keeps_it_whole(tmp_path, write):
    (tmp_path / "file").write_bytes(b"old")
    with (tmp_path / "file").open("rb") as reader:
        write(tmp_path / "file")
        assert reader.read() == b"old"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("existing", [b"old", None])
def test_an_interrupted_write_leaves_what_was_there(tmp_path, existing, error):
    path = tmp_path / "file.png"
    if existing is not None:
        path.write_bytes(existing)

    def interrupted() -> None:
        with written_whole(path) as target:
            target.write(b"half")
            target.flush()
            raise error

    with pytest.raises(error):
        interrupted()
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == ([] if existing is None else [existing])


@WRITERS
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_permissions_of_the_umask(tmp_path, write, mask, mode):
    with umask(mask):
        write(tmp_path / "file")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


@WRITERS
def test_a_replaced_file_keeps_its_permissions(tmp_path, write):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@WRITERS
def test_a_link_stays_and_its_file_is_written(tmp_path, write):
    (tmp_path / "folder").mkdir()
    file, link = tmp_path / "folder" / "file", tmp_path / "link"
    link.symlink_to(file)
    write(link)
    assert link.is_symlink()
    assert file.stat().st_size


@WRITERS
def test_a_named_pipe_is_written_to_and_stays(tmp_path, write):
    path, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(path)
        content = os.read(reader, 1 << 16)
    finally:
        os.close(reader)
    write(file)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert content == file.read_bytes()


def test_a_device_without_space_is_an_error():
    with pytest.raises(AttnvizError, match="/dev/full: no space left on device"):
        write_whole("/dev/full", [b"content"])


@WRITERS
def test_a_device_stays_a_device(full_device, write):
    with pytest.raises(AttnvizError, match=r"(?i)no space left on device"):
        write(full_device)
    assert stat.S_ISCHR(full_device.stat().st_mode)


@WRITERS
@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "is a directory, not a file"),
        ("missing/file", "its folder does not exist"),
        ("file/below", "not a directory"),
        ("x" * 300, "file name too long"),
    ],
    ids=["directory", "folder", "below", "long"],
)
def test_a_place_that_cannot_be_written_is_an_error(tmp_path, write, name, words):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(AttnvizError, match=words):
        write(tmp_path / name)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@WRITERS
@pytest.mark.parametrize("name", ["x" * 255, "🙂" * 62 + ".png", "a." + "b" * 250], ids=["long", "wide", "suffix"])
def test_every_name_that_the_file_system_takes_is_written(tmp_path, write, name):
    write(tmp_path / name)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "words"),
    [(".", "is a directory, not a file"), ("missing", "does not exist"), ("file/below", "not a directory")],
)
def test_what_cannot_be_read_is_an_error(tmp_path, name, words):
    (tmp_path / "file").write_bytes(b"")
    for read in (require_file, read_safetensors):
        with pytest.raises(AttnvizError, match=words):
            read(tmp_path / name)


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "uint64", "bool", ">f4"]
)
def test_arrays_and_metadata_come_back_exactly(tmp_path, dtype):
    array = (7 * numpy.random.default_rng(0).normal(size=(3, 4))).clip(0).astype(dtype)
    write_safetensors(tmp_path / "file", {"straight": array, "turned": array.T}, {"note": "ế\n"})
    arrays, metadata = read_safetensors(tmp_path / "file")
    assert metadata == {"note": "ế\n"}
    assert arrays["straight"].dtype == array.dtype.newbyteorder("=")
    assert_array_equal(arrays["straight"], array)
    assert_array_equal(arrays["turned"], array.T)


@pytest.mark.parametrize("tensor", [torch.arange(-3, 3).bfloat16(), numpy.arange(-3, 3).astype(ml_dtypes.bfloat16)])
def test_bfloat16_keeps_its_numbers(tmp_path, tensor):
    write_safetensors(tmp_path / "file", {"half": tensor}, {})
    assert read_safetensors(tmp_path / "file")[0]["half"].tolist() == [-3, -2, -1, 0, 1, 2]


def test_bfloat16_of_other_programs_is_read_among_other_types(tmp_path):
    numbers = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    tensors = {
        "a": numbers.double(),
        "b": numbers.bfloat16(),
        "c": numbers.half(),
        "d": numbers.bfloat16().mT.contiguous(),
    }
    save_file({**tensors, "empty": torch.zeros(0, 2).bfloat16()}, tmp_path / "file")
    arrays, _ = read_safetensors(tmp_path / "file")
    assert arrays["empty"].shape == (0, 2)
    for name, tensor in tensors.items():
        assert_array_equal(arrays[name], tensor.double())


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e8m0fnu])
def test_a_type_that_numpy_lacks_is_an_error(tmp_path, dtype):
    save_file({"small": torch.ones(4).to(dtype)}, tmp_path / "file")
    with pytest.raises(AttnvizError, match=r"(?i)f8|float8"):
        read_safetensors(tmp_path / "file")


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"\xff" * 40, b"PK\x03\x04", b"\x02\0\0\0\0\0\0\0[]"])
def test_another_file_is_not_a_safetensors_file(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(AttnvizError, match=r"is not a readable \.safetensors file"):
        read_safetensors(tmp_path / "file")


def test_a_type_that_safetensors_lacks_is_refused_by_name(tmp_path):
    with pytest.raises(AttnvizError, match=r"(?i)dtype"):
        write_safetensors(tmp_path / "file", {"wide": numpy.ones(2, dtype=numpy.clongdouble)}, {})
    assert not list(tmp_path.iterdir())


# On the disk before it has its name


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_folder_after(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace

    def synchronized(descriptor):
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else os.fstat(descriptor).st_size)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", synchronized)
    monkeypatch.setattr(os, "replace", lambda *names: (calls.append("name"), replace(*names)))
    write_whole(tmp_path / "file", [b"con", b"tent"])
    assert calls == [7, "name", "folder"]


@pytest.mark.parametrize("code", files.UNSUPPORTED)
def test_a_file_system_that_cannot_synchronize_is_written_to_all_the_same(tmp_path, monkeypatch, code):
    def unsupported(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", unsupported)
    write_whole(tmp_path / "file", [b"content"])
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_folder_that_may_be_written_but_not_listed_is_written_to(tmp_path, monkeypatch):
    def closed(path, flags, *mode):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "permission denied", path)
        return opened(path, flags, *mode)

    opened = os.open
    monkeypatch.setattr(os, "open", closed)
    monkeypatch.setattr(os, "scandir", lambda path: (_ for _ in ()).throw(PermissionError(path)))
    write_whole(tmp_path / "file", [b"content"])
    assert (tmp_path / "file").read_bytes() == b"content"


# What a run that was killed has left


def left_behind(folder, name=".attnviz-0123456789abcdef", age=2 * files.STALE):
    (folder / name).write_bytes(b"half")
    os.utime(folder / name, (time.time() - age,) * 2)
    return folder / name


def test_the_next_run_removes_what_one_that_was_killed_has_left(tmp_path):
    left = left_behind(tmp_path)
    write_whole(tmp_path / "file", [b"content"])
    assert not left.exists()


@pytest.mark.parametrize(
    ("name", "age"),
    [(".attnviz-0123456789abcdef", 3000), (".attnviz-0123456789abcde", 9999), (".attnviz-0123456789abcdef.png", 9999)],
    ids=["young", "shorter", "longer"],
)
def test_what_may_be_another_s_stays(tmp_path, name, age):
    left = left_behind(tmp_path, name, age)
    write_whole(tmp_path / "file", [b"content"])
    assert left.read_bytes() == b"half"


def test_a_folder_or_a_link_of_that_name_stays(tmp_path):
    (tmp_path / "kept").write_bytes(b"kept")
    (tmp_path / ".attnviz-0123456789abcdef").symlink_to(tmp_path / "kept")
    (tmp_path / ".attnviz-fedcba9876543210").mkdir()
    os.utime(tmp_path / ".attnviz-fedcba9876543210", (0, 0))
    os.utime(tmp_path / "kept", (0, 0))
    write_whole(tmp_path / "file", [b"content"])
    assert len(list(tmp_path.iterdir())) == 4


def test_what_another_run_still_writes_stays_however_long_it_waits(tmp_path):
    with written_whole(tmp_path / "slow") as stream:
        stream.write(b"first ")
        stream.flush()
        (begun,) = tmp_path.iterdir()
        os.utime(begun, (0, 0))
        write_whole(tmp_path / "file", [b"content"])
        stream.write(b"last")
    assert (tmp_path / "slow").read_bytes() == b"first last"


@pytest.mark.parametrize("lock", [OSError(errno.ENOLCK, "no locks"), None], ids=["none here", "none at all"])
def test_without_locks_only_the_age_counts(tmp_path, monkeypatch, lock):
    if lock is None:
        monkeypatch.setitem(sys.modules, "fcntl", None)
    else:
        monkeypatch.setattr(fcntl, "flock", lambda *_: (_ for _ in ()).throw(lock))
    left = left_behind(tmp_path)
    write_whole(tmp_path / "file", [b"content"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert not left.exists()


def test_what_is_unfinished_is_known_and_can_be_removed(tmp_path):
    def pieces():
        yield b"half"
        assert len(list(tmp_path.iterdir())) == 1
        remove_unfinished()
        assert list(tmp_path.iterdir()) == []

    with pytest.raises(AttnvizError, match="does not exist"):
        write_whole(tmp_path / "file", pieces())
    remove_unfinished()
    assert files._unfinished == set()


# Read once, and no more than fits


def test_a_file_is_read_whole(tmp_path):
    (tmp_path / "file").write_bytes(bytes(range(256)) * 9999)
    assert read_whole(tmp_path / "file") == bytes(range(256)) * 9999


def test_a_pipe_is_opened_once_and_read_to_its_end(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as threads:
        threads.submit((tmp_path / "pipe").write_bytes, b"content" * 99999)
        assert read_whole(tmp_path / "pipe") == b"content" * 99999


@pytest.mark.parametrize("name", ["/dev/zero", "link"])
def test_a_device_that_need_not_end_is_not_read(tmp_path, monkeypatch, name):
    monkeypatch.setattr(files, "allowance", lambda: 3 * files.PIECE)
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(AttnvizError, match=f"{name} is a device, which may never end"):
        read_whole(tmp_path / name)


def test_a_device_that_has_nothing_to_say_is_empty():
    assert read_whole("/dev/null") == b""


def test_a_pipe_without_end_is_read_no_further_than_it_may_be():
    reader, writer = os.pipe()
    with ThreadPoolExecutor(1) as threads, open(reader, "rb") as stream:
        written = threads.submit(_until_closed, writer)
        with pytest.raises(AttnvizError, match="it holds more than the 2 MiB of memory"):
            read_stream(stream, "it", 2 << 20)
        stream.close()
        assert written.result() < 4 << 20


def _until_closed(writer: int) -> int:
    """How many bytes could be written before the other side was closed."""
    written = 0
    with suppress(BrokenPipeError), open(writer, "wb", buffering=0) as stream:
        while True:
            written += stream.write(b"x" * 65536)
    return written


def test_a_file_that_is_too_large_is_not_read_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "allowance", lambda: 2 << 20)
    with (tmp_path / "file").open("w+b") as stream:
        stream.truncate(3 << 20)
        with pytest.raises(AttnvizError, match="file holds more than the 2 MiB of memory"):
            read_stream(stream, "file")
        assert stream.tell() == 0


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_what_is_no_name_is_told_so(name):
    for use in (read_whole, require_file, lambda path: write_whole(path, [b""])):
        with pytest.raises(AttnvizError, match="no name that a file can have"):
            use(name)
