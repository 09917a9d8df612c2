"""Renderables as text, for a terminal or for a file; and what a terminal must not get."""

from __future__ import annotations

import io
import os
import shutil
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attnviz.errors import UsageError


class Terminal:
    """Rich renderables as text: for the terminal in its width and colours, else plain and in their natural width."""

    def __init__(self, output: Path | None) -> None:
        from rich.console import Console, ConsoleDimensions

        from attnviz.text.display import NATURAL_WIDTH

        to_file = output is not None and str(output) != "-"
        plain = to_file or sys.stdout is None
        stream = io.StringIO() if plain else sys.stdout
        folded = stream.isatty()
        width = None if folded else NATURAL_WIDTH
        self.encoding = "utf-8" if to_file else getattr(stream, "encoding", None) or "utf-8"
        colours: dict[str, Any] = {"force_terminal": False, "color_system": None} if plain else {}
        self.console = Console(
            file=_Unwritten(stream), width=width, highlight=False, emoji=False, markup=False, **colours
        )
        if folded and self.console.is_dumb_terminal:  # of which Rich says 80 × 25, whatever it is
            self.console.size = ConsoleDimensions(*shutil.get_terminal_size())
        self.height = self.console.height if folded else None  # lines; None: it has no end

    def __call__(self, renderable: Any) -> bytes:
        with self.console.capture() as capture:
            self.console.print(renderable, end="")
        return capture.get().encode(self.encoding, "replace")  # ? for what the terminal's encoding lacks


class _Unwritten(io.StringIO):
    """Looks to Rich like ``stream``, and takes what Rich writes: even an empty text is too much for a full disk."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self.stream = stream

    @property
    def encoding(self) -> Any:  # type: ignore[override]
        return self.stream.encoding

    def isatty(self) -> bool:
        return bool(self.stream.isatty())


def visible_json(pieces: Iterable[bytes], output: Path | None) -> Iterable[bytes]:
    """JSON for a terminal, in which what the terminal would act upon, and what nobody sees, is written as \\u…; else as it is."""
    if not is_terminal(output or Path("-")):
        return pieces
    from attnviz.text.display import ascii_escaped

    return (ascii_escaped(piece.decode()).encode() for piece in pieces)


def require_no_terminal(what: str, output: Path | None) -> None:
    """Refuse to write ``what``, which is binary, to a terminal."""
    if output is not None and is_terminal(output):
        raise UsageError(
            "{what} is binary, and {output} is a terminal",
            "write it to a file with -o FILE, or into a pipe",
            what=what,
            output=output,
        )


def is_terminal(output: Path) -> bool:
    """Whether what is written to ``output`` appears on a terminal."""
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
