"""What Python gets of a generation: its steps as text, a Rich renderable, CSV, or a picture that moves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult

from attnviz.analysis.reading import HeadReading, Reader
from attnviz.errors import AttnvizError
from attnviz.files import write_whole
from attnviz.renderers.generation.step import StepLines, decided, ending
from attnviz.renderers.shared.html_table import as_it_stands
from attnviz.renderers.shared.plain import plain
from attnviz.text.lessons import Lessons
from attnviz.text.message import Message
from attnviz.trace.trace import Trace
from attnviz.trace.written import written_steps

FORMATS = (".csv", ".gif")


class Writing:
    """The steps by which a model wrote what ``trace`` holds; of each what it chose, what else it might have, and what it read.

    layer, head  of which heads it is told what they read, as ``--layer`` and ``--head`` have them
    tokens       how many were asked for; it is said where the model ended the text before
    """

    def __init__(
        self, trace: Trace, words: Lessons, layer: Sequence[str] = (), head: Sequence[str] = (), tokens: int = 0
    ) -> None:
        self.trace, self.words, self.tokens = trace, words, tokens
        self.layer, self.head = layer, head
        reader = Reader(layer, head)
        self.steps = [(written, reader.of(written)) for written in written_steps(trace)]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for written, readings in self.steps:
            yield StepLines(decided(written, readings), self.words)
        last = ending(self.trace, self.tokens, self.words, worn=any(one.roles for one in self._readings()))
        last.end = ""  # it ends its own line
        yield last

    def _readings(self) -> Iterator[HeadReading]:
        for _, readings in self.steps:
            yield from readings

    def to_csv(self) -> str:
        """What ``attnviz generate --format csv`` writes."""
        from attnviz.renderers.generation.step_csv import to_csv

        return to_csv(self.trace)

    def to_gif(self) -> bytes:
        """What ``attnviz generate --format gif`` writes."""
        from attnviz.renderers.generation.frames import frames
        from attnviz.renderers.generation.gif import to_gif

        drawn = list(frames(self.trace, Reader(self.layer, self.head), self.words))
        return to_gif(drawn, lambda *_: None)[0]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to ``path``, whole or not at all; its suffix picks the format: .csv or .gif."""
        suffix = Path(path).suffix.lower()
        if suffix not in FORMATS:
            raise AttnvizError("{path}: its suffix is not one of {words}", path=path, words=", ".join(FORMATS))
        write_whole(path, [self.to_gif() if suffix == ".gif" else self.to_csv().encode()])

    def __str__(self) -> str:
        """The steps, as ``attnviz generate`` prints them."""
        return plain(self)

    def __repr__(self) -> str:
        return f"Writing({Message('{count} tokens', count=len(self.steps))}; print() shows it)"

    def _repr_html_(self) -> str:
        """The steps in a notebook."""
        return as_it_stands(str(self))
