"""Files: read with care, written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attnviz.errors import AttnvizError


@contextmanager
def file_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the operating system's refusals about ``path`` into the one line that a user may see."""
    try:
        yield
    except FileNotFoundError as error:
        if error.filename is not None and Path(error.filename) != Path(path):
            raise AttnvizError(f"{path}: its folder does not exist") from None
        raise AttnvizError(f"{path} does not exist") from None
    except IsADirectoryError:
        raise AttnvizError(f"{path} is a directory, not a file") from None
    except OSError as error:
        raise AttnvizError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def require_file(path: str | os.PathLike[str]) -> None:
    """Raise the AttnvizError that fits when ``path`` cannot be read as a file."""
    with file_errors(path), open(path, "rb") as stream:
        stream.peek(1)


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path to write to in place of ``path``, which it replaces only when the block ends well.

    A device or a named pipe (/dev/stdout, /dev/full) cannot be replaced, and is written to as it is.
    """
    with file_errors(path):
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise IsADirectoryError(target)
        if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
            yield Path(path)  # not its target: of a pipe, /dev/stdout links to a name that does not exist
            return
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(13, "permission denied")
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        with _temporary(target) as temporary:
            yield temporary
            os.chmod(temporary, mode)
            os.replace(temporary, target)


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with written_whole(path) as target:
        target.write_bytes(content)


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """A new file beside ``target``, for a rename does not cross file systems; removed if it is still there at the end."""
    path = target.parent / f".attnviz-{os.urandom(8).hex()}"
    try:  # the name first, then the file: an interruption in between leaves nothing
        path.touch(mode=0o600, exist_ok=False)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
