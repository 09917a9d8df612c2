"""The one place that writes: results to stdout or to a file, everything else to stderr."""

from __future__ import annotations

import io
import logging
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from attnviz.cli.options import SUFFIXES
from attnviz.errors import AttnvizError, UsageError
from attnviz.files import written_whole

if TYPE_CHECKING:
    from enum import StrEnum

    from attnviz.renderers.heatmap.picture import Picture
    from attnviz.trace.trace import Trace

NATURAL_WIDTH = 1_000_000  # of output that is not a terminal's: nothing is folded


def notice(message: str) -> None:
    """One line on stderr; a stderr that is closed or full is nobody's problem."""
    if sys.stderr is None:  # print() would take stdout in its place
        return
    try:
        print(f"attnviz: {message}", file=sys.stderr, flush=True)
    except (OSError, ValueError):
        _abandon(sys.stderr)


def chosen_format(output: Path | None, named: StrEnum | None, default: StrEnum) -> Any:
    """The format that --format names, else the suffix of -o, else ``default``."""
    if named is not None or output is None or str(output) == "-":
        return named or default
    formats = type(default)
    known = {
        suffix: word.value for suffix, word in SUFFIXES.items() if word.value in {member.value for member in formats}
    }
    word = known.get(output.suffix.lower())
    if word is None:
        if not output.suffix and not os.path.isdir(output) and os.path.exists(output):  # a device: /dev/stdout
            return default
        raise UsageError(f"{output}: its suffix is not one of {', '.join(known)}", "rename it, or add --format")
    return formats(word)


def write(pieces: Iterable[bytes], output: Path | None) -> None:
    """Write ``pieces`` as they come: to standard output, or to a file, whole or not at all."""
    if output is None or str(output) == "-":
        with guarded_stdout() as stdout:
            for piece in pieces:
                stdout.write(piece)
                stdout.flush()
        return
    with written_whole(output) as target, open(target, "wb") as stream:
        for piece in pieces:
            stream.write(piece)


def drawn(
    picture: Picture, form: str, cmap: str | None = None, annotate: bool | None = None, dpi: int | None = None
) -> bytes:
    """``picture`` as "png", "svg" or "pdf"; characters that no font on this machine has are said."""
    os.environ.pop("MPLBACKEND", None)  # for windows, which are not opened here; a wrong one would stop the import
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # a cache that it cannot write is not the user's concern
    from attnviz.renderers.heatmap.figure import draw, save

    figure, missing = draw(picture, cmap=cmap, annotate=annotate)
    if missing and form != "svg":  # where the viewer finds the font
        some = " ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
        notice(f"no font on this machine has {some} (drawn as boxes); the Noto fonts have most scripts")
    return save(figure, form, dpi)


def save_trace(trace: Trace, output: Path | None) -> None:
    """Save ``trace`` to the file ``output``, and say how exactly it holds what its model computed."""
    from attnviz.trace.origin import exactness, largest_error, model_name

    if output is None or str(output) == "-":
        raise UsageError("a trace is saved to a file", "add -o FILE.safetensors")
    trace.save(output)
    if line := exactness(model_name(trace), largest_error(trace)):
        notice(f"{output}: {line}")


class Terminal:
    """Rich renderables as text: for the terminal in its width and colours, else plain and in their natural width."""

    def __init__(self, output: Path | None) -> None:
        from rich.console import Console

        to_file = output is not None and str(output) != "-"
        plain = to_file or sys.stdout is None
        stream = io.StringIO() if plain else sys.stdout
        folded = stream.isatty()
        width = None if folded else NATURAL_WIDTH
        self.encoding = "utf-8" if to_file else getattr(stream, "encoding", None) or "utf-8"
        colours: dict[str, Any] = {"force_terminal": False, "color_system": None} if plain else {}
        self.console = Console(file=stream, width=width, highlight=False, emoji=False, markup=False, **colours)
        self.height = self.console.height if folded else None  # lines; None: it has no end

    def __call__(self, renderable: Any) -> bytes:
        with self.console.capture() as capture:
            self.console.print(renderable, end="")
        return capture.get().encode(self.encoding, "replace")  # ? for what the terminal's encoding lacks


def require_no_terminal(what: str, output: Path | None) -> None:
    """Refuse to write ``what``, which is binary, to a terminal."""
    if output is not None and _is_terminal(output):
        raise UsageError(
            f"{what} is binary, and {output} is a terminal", "write it to a file with -o FILE, or into a pipe"
        )


def _is_terminal(output: Path) -> bool:
    if str(output) == "-":
        return sys.stdout is not None and sys.stdout.isatty()
    try:
        if not stat.S_ISCHR(output.stat().st_mode):
            return False
        device = os.open(output, os.O_WRONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.isatty(device)
    finally:
        os.close(device)


@contextmanager
def guarded_stdout() -> Iterator[Any]:
    """Standard output as bytes. A reader that has gone ends the program quietly; a full disk is one clear line."""
    try:
        if sys.stdout is None:
            raise AttnvizError("standard output is closed", "write to a file with -o FILE")
        yield sys.stdout.buffer
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # Rich, which writes the help, makes an exit of a broken pipe
        _abandon(sys.stdout)
        raise typer.Exit(0) from None
    except OSError as error:
        _abandon(sys.stdout)
        raise AttnvizError(f"standard output: {(error.strerror or str(error)).lower()}") from None


def _abandon(stream: Any) -> None:
    """Let what is still buffered go nowhere, so that the interpreter's own flush at exit cannot fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
