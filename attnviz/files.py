"""Files: read with care, opened once; written whole or not at all.

What attnviz reads of a person's, and all that it writes, goes through here: how much of a file is read, what an error says,
and that no target is ever half-written.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from attnviz.attention.memory import allowance
from attnviz.errors import AttnvizError
from attnviz.text.message import Message

PIECE = 1 << 20  # bytes read at once, where it is not known how many there are
TEMPORARY = re.compile(r"\.attnviz-[0-9a-f]{16}")
STALE = 3600.0  # seconds without a change, after which a temporary file was left by a run that was killed
UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)  # what a file system without fsync says of it

_unfinished: set[Path] = set()


@contextmanager
def file_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the operating system's refusals about ``path`` into the one line that a user may see."""
    try:
        _require_name(path)
        yield
    except FileNotFoundError as error:
        if error.filename is not None and Path(error.filename) != Path(path):
            raise AttnvizError("{path}: its folder does not exist", path=path) from None
        raise AttnvizError("{path} does not exist", path=path) from None
    except IsADirectoryError:
        raise AttnvizError("{path} is a directory, not a file", path=path) from None
    except OSError as error:
        raise AttnvizError("{path}: {reason}", path=path, reason=system_says(error)) from None


def system_says(error: OSError) -> Message:
    """What the system says of a file, as it stands in the middle of a line."""
    return Message((error.strerror or str(error)).lower())


def _require_name(path: str | os.PathLike[str]) -> None:
    """What no file can be called is an error of the system, too, and not Python's own for a wrong value."""
    try:
        wrong = b"\0" in os.fsencode(path)
    except UnicodeEncodeError:  # a lone surrogate
        wrong = True
    if wrong:
        raise OSError("no name that a file can have")


def require_file(path: str | os.PathLike[str]) -> None:
    """Raise the AttnvizError that fits when ``path`` cannot be read as a file."""
    with file_errors(path), open(path, "rb") as stream:
        stream.peek(1)


def read_whole(path: str | os.PathLike[str], most: int | None = None) -> bytes:
    """All that ``path`` holds, opened once: of a pipe, too. AttnvizError where it is more than ``most`` bytes, or than fits."""
    with file_errors(path), open(path, "rb") as stream:
        return read_stream(stream, path, most)


def read_stream(stream: BinaryIO, name: str | os.PathLike[str], most: int | None = None) -> bytes:
    """The rest of ``stream``, which messages call ``name``; AttnvizError where it is more than ``most`` bytes, or than fits."""
    most = allowance() if most is None else min(most, allowance())
    require_end(stream, name)
    if stat.S_ISREG((status := os.fstat(stream.fileno())).st_mode) and status.st_size > most:
        raise too_much(name, most)  # before any of it is read
    pieces: list[bytes] = []
    left = most
    asked = got = 0
    while got == asked:  # less is the end: a terminal that is asked again would want a second Ctrl-D
        asked = min(PIECE, left + 1)
        pieces.append(stream.read(asked))
        got = len(pieces[-1])
        left -= got
        if left < 0:
            raise too_much(name, most)
    return b"".join(pieces)


def require_end(stream: BinaryIO, name: str | os.PathLike[str]) -> None:
    """Raise AttnvizError where ``stream`` is a device that need not end; a terminal does, and /dev/null has nothing to say."""
    mode = os.fstat(stream.fileno()).st_mode
    if stat.S_ISBLK(mode) or (stat.S_ISCHR(mode) and not stream.isatty() and stream.read(1)):
        raise AttnvizError("{name} is a device, which may never end", "give a file, or a pipe", name=name)


def too_much(name: str | os.PathLike[str], most: int) -> AttnvizError:
    """What to say of a file that holds more than ``most`` bytes."""
    return AttnvizError(
        "{name} holds more than the {most:,.0f} MiB of memory that it may take", name=name, most=most / 2**20
    )


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write to in place of ``path``, which it replaces only when the block ends well, and once it is on the disk.

    A device or a named pipe (/dev/stdout, /dev/full) cannot be replaced, and is written to as it is.
    """
    with file_errors(path):
        target = _target(path)
        if os.path.isdir(target):
            raise IsADirectoryError(target)
        if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
            with open(
                path, "wb"
            ) as stream:  # not its target: of a pipe, /dev/stdout links to a name that does not exist
                yield stream
            return
        there = os.path.exists(target)
        if there and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "permission denied")
        mode = os.stat(target).st_mode & 0o777 if there else 0o666 & ~_umask()
        _remove_leftovers(target.parent)
        with _temporary(target) as temporary:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            with open(descriptor, "wb") as stream:
                _lock(descriptor)
                yield stream
                stream.flush()
                os.chmod(temporary, mode)
                _synchronize(descriptor)  # else a machine that stops now may leave an empty file under the new name
            os.replace(temporary, target)
            _flush_folder(target.parent)


def write_whole(path: str | os.PathLike[str], pieces: Iterable[bytes | memoryview]) -> None:
    """Write ``pieces`` to ``path``, whole or not at all."""
    with written_whole(path) as stream:
        for piece in pieces:
            stream.write(piece)


def remove_unfinished() -> None:
    """Remove what this process has begun to write and not finished, whatever kept it from doing so itself."""
    for path in list(_unfinished):
        with suppress(OSError):
            path.unlink()


def _target(path: str | os.PathLike[str]) -> Path:
    """The file that ``path`` leads to."""
    try:
        return Path(os.path.realpath(path))
    except FileNotFoundError as error:  # the folder that this process runs in is gone
        raise FileNotFoundError(error.errno, error.strerror, os.curdir) from None


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """A new name beside ``target``, for a rename does not cross file systems; its file is removed if there is one at the end."""
    path = target.parent / f".attnviz-{os.urandom(8).hex()}"
    _unfinished.add(path)
    try:  # the name first, then the file: an interruption in between leaves nothing
        yield path
    finally:
        with suppress(OSError):  # where even that fails, the next run that writes here tries again
            path.unlink()
        _unfinished.discard(path)


def _flush_folder(folder: Path) -> None:
    """Bring the new name to the disk as well, where a folder can be opened for that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder that may be written but not listed; Windows, of any
        return
    try:
        _synchronize(descriptor)
    finally:
        os.close(descriptor)


def _synchronize(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def _remove_leftovers(folder: Path) -> None:
    """Remove the temporary files in ``folder`` that runs left which were killed; what a run still writes is locked."""
    with suppress(OSError), os.scandir(folder) as entries:
        old = [
            entry.path
            for entry in entries
            if TEMPORARY.fullmatch(entry.name)
            and entry.is_file(follow_symlinks=False)
            and entry.stat(follow_symlinks=False).st_mtime < time.time() - STALE
        ]
        for path in old:
            with suppress(OSError), open(path, "rb") as stream:
                if _lock(stream.fileno()):
                    os.unlink(path)


def _lock(descriptor: int) -> bool:
    """Hold a file as long as it is open; False where another process holds it. Without locks, nobody does."""
    try:
        import fcntl
    except ImportError:  # Windows, which does not remove a file that is open
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
