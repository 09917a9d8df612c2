"""The one place that writes: results to stdout or to a file, everything else to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Container, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from attnviz.cli.output.progress import progress
from attnviz.cli.output.streams import guarded_stdout, notice
from attnviz.errors import UsageError
from attnviz.files import write_whole
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.renderers.heatmap.chain import Chain
    from attnviz.renderers.heatmap.picture import Picture
    from attnviz.renderers.on_image.decided import OnImage
    from attnviz.renderers.roles.picture import RolesPicture
    from attnviz.trace.trace import Trace


def write(pieces: Iterable[bytes], output: Path | None) -> None:
    """Write ``pieces`` as they come: to standard output, or to a file, whole or not at all."""
    if output is None or str(output) == "-":
        with guarded_stdout() as stdout:
            for piece in pieces:
                stdout.write(piece)
                stdout.flush()
        return
    write_whole(output, pieces)


def deliver(pieces: Iterable[bytes], output: Path | None) -> None:
    """The same, and print the name of the file that was written."""
    write(pieces, output)
    name_file(output)


def name_file(output: Path | None) -> None:
    """Print the name of the file that a command has written; a device or a pipe is not named, nor where stdout is closed.

    To a script it is the very name, to a person on a terminal what can be seen of it.
    """
    if output is not None and str(output) != "-" and output.is_file():
        name_folder(output)


def name_folder(output: Path) -> None:
    """The same of a folder into which files were written."""
    if sys.stdout is not None:
        from attnviz.text.display import shown_line

        named = shown_line(str(output)) if sys.stdout.isatty() else str(output)
        write([f"{named}\n".encode(errors="surrogateescape")], None)


def drawn(
    picture: Picture | Chain | OnImage,
    form: str,
    cmap: str | None = None,
    annotate: bool | None = None,
    dpi: int | None = None,
    seconds: float | None = None,
) -> bytes:
    """``picture`` in a format of pictures; characters that no font on this machine has are said."""
    quiet_matplotlib()
    from attnviz.renderers.heatmap.heatmap import Heatmap

    drawing = Heatmap(picture, cmap, annotate, dpi, seconds)
    with progress("frames", timed=True) as line:
        content = drawing.drawn(form, lambda done, of: line("frames", done, of))
    if form != "svg":  # where the viewer finds the font
        say_missing(drawing.missing)
    return content


def drawn_roles(picture: RolesPicture, form: str) -> bytes:
    """The same of the picture of a model's roles."""
    quiet_matplotlib()
    from attnviz.renderers.heatmap.attention_figure import save
    from attnviz.renderers.roles.figure import draw

    figure, missing = draw(picture)
    if form != "svg":
        say_missing(missing)
    return save(figure, form)


def quiet_matplotlib() -> None:
    """Let matplotlib be imported without trouble or words of its own."""
    import logging

    os.environ.pop("MPLBACKEND", None)  # for windows, which are not opened here; a wrong one would stop the import
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # a cache that it cannot write is not the user's concern


def say_missing(characters: str) -> None:
    """Say that no font has these characters, if there are any."""
    if characters:
        some = " ".join(characters[:10]) + (" …" if len(characters) > 10 else "")
        notice(
            Message("no font on this machine has {some} (drawn as boxes); the Noto fonts cover most scripts", some=some)
        )


def save_trace(trace: Trace, output: Path | None) -> None:
    """Save ``trace`` to the file ``output``, print its name, and say how exactly it holds what its model computed."""
    output = trace_file(output)
    trace.save(output)
    if line := trace.source.exactness:
        notice(Message("{output}: {line}", output=output, line=line))
    if line := trace.source.agreement.sampled:
        notice(line)
    name_file(output)


def trace_file(output: Path | None, suffixes: Container[str] | None = None) -> Path:
    """``output``, if a trace can be saved there; where no --format says that it holds one, only with one of ``suffixes``."""
    if output is None or str(output) == "-" or (suffixes is not None and output.suffix.lower() not in suffixes):
        raise UsageError("a trace is saved to a .safetensors file", "add -o NAME.safetensors")
    return output
