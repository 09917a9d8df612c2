"""The file of --by-text: a row for each head of each text, as they are measured."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attnviz.cli.options.corpus import CorpusOptions
from attnviz.cli.options.source import SourcesOptions
from attnviz.cli.options.stats import StatsOptions
from attnviz.cli.output.streams import notice
from attnviz.errors import UsageError
from attnviz.progress import whole_step
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.analysis.corpus.by_text import Row
    from attnviz.analysis.corpus.of_heads import OfHeads
    from attnviz.renderers.stats.text_rows import Write


def require_rows(corpus: CorpusOptions, source: SourcesOptions, shown: StatsOptions) -> None:
    """Refuse a file that cannot be written so, or that is read or written already, before anything is measured."""
    if corpus.by_text is None:
        return
    from attnviz.renderers.stats.text_rows import require_by_text

    require_by_text(corpus.by_text)
    files = [("--file", path) for path in source.file]
    for name, path in (*files, ("--from", source.from_), ("-o", shown.output)):
        if path is not None and _same(path, corpus.by_text):
            raise UsageError(
                "--by-text and {name} name the same file: {path}", "choose another", name=name, path=corpus.by_text
            )


@contextmanager
def rows_written(corpus: CorpusOptions, statistics: OfHeads) -> Iterator[Write]:
    """What writes the rows of a text to the file of --by-text, where there is one; the file is there when the block ends well."""
    if corpus.by_text is None:
        yield lambda rows: None  # noqa: ARG005
        return
    from attnviz.renderers.stats.text_rows import text_rows

    with text_rows(corpus.by_text, [metric.value for metric in statistics.kept]) as write:
        written: Iterable[Row] | None = None

        def write_whole(rows: Iterable[Row]) -> None:
            nonlocal written
            with whole_step():
                write(rows)
                written = rows

        yield write_whole
        last = statistics.last
        if last is not None and last is not written:  # it was counted when the run was interrupted
            write(last)


def tell_rows(corpus: CorpusOptions) -> None:
    """Say where the rows stand, where there are some."""
    if corpus.by_text is not None:
        notice(Message("a row for each text and head: {path}", path=corpus.by_text))


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
