"""The texts that the options mean, where they are many: lines, rows, or files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from attnviz.cli.input.text import STDIN, opened, reads_stdin, sample, waiting
from attnviz.cli.options.source import LinesOptions, TextsOptions
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from attnviz.sources.texts.arriving import Arriving
    from attnviz.sources.texts.corpus import CorpusText, Unread


class Corpus:
    """The texts of the options, one after the other, each as it arrives."""

    def __init__(self, source: TextsOptions, lines: LinesOptions) -> None:
        self.source, self.lines = source, lines
        self._live: Arriving | None = None  # the pipe that is being read

    @property
    def total(self) -> int | None:
        """How many texts there will be, where that can be known before they are read."""
        from attnviz.sources.texts.corpus import text_count
        from attnviz.sources.texts.decoding import lines_in

        if (text := self._written_out()) is not None:
            return sum(1 for line in lines_in(text) if line.strip())
        return text_count(self._files(), lines=self._by_lines()) if self._files() else None

    def __iter__(self) -> Iterator[CorpusText | Unread]:
        from attnviz.sources.texts.corpus import in_text, lines_of, read_texts

        field = self.lines.field
        if (text := self._written_out()) is not None:
            yield from in_text(text, field)
        elif files := self._files():
            yield from read_texts(files, lines=self._by_lines(), field=field, opened=self._opened)
        elif not reads_stdin(self.source.text, bool(self.source.file)):
            yield from in_text(sample(), field)
        else:
            with waiting() as stdin, self._watched(stdin) as stream:
                yield from lines_of(stream, STDIN, field)

    def is_there(self) -> bool | None:
        """Whether the next text can be read without waiting for somebody who writes it; None where nobody can tell."""
        return self._live is None or self._live.is_there()

    def _by_lines(self) -> bool:
        return self.lines.lines or self.lines.field is not None

    def _written_out(self) -> str | None:
        return None if self.source.text == "-" else self.source.text

    def _files(self) -> list[Path]:
        """The files that are named, other than standard input."""
        files = [path for path in self.source.file if str(path) != "-"]
        if files and len(files) < len(self.source.file):
            raise UsageError("standard input and files: which is meant?", "leave out --file -")
        return files

    @contextmanager
    def _opened(self, path: Path) -> Iterator[BinaryIO]:
        with opened(path) as stream, self._watched(stream) as watched:
            yield watched

    @contextmanager
    def _watched(self, stream: BinaryIO) -> Iterator[BinaryIO]:
        """``stream``, of which it can be asked what has arrived where it is a pipe."""
        from attnviz.sources.texts.arriving import Arriving, is_live

        self._live = Arriving(stream) if is_live(stream) else None
        try:
            yield stream if self._live is None else self._live  # type: ignore[misc]  # of which lines are read
        finally:
            self._live = None


def are_many(source: TextsOptions, lines: LinesOptions) -> bool:
    """Whether the options mean many texts: lines, several files, or one whose rows are texts."""
    if lines.lines or lines.field is not None or len(source.file) > 1:
        return True
    if not source.file:
        return False
    from attnviz.sources.texts.files import holds_rows, is_pattern

    return any(is_pattern(path) or holds_rows(path) for path in source.file)
