"""The argument ``by_text`` of a public call: a file that gets a row for each text and head while they are measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attnviz.arguments import path_of

if TYPE_CHECKING:
    from attnviz.renderers.stats.text_rows import Write


@contextmanager
def rows_written(by_text: Any, metrics: Iterable[StrEnum]) -> Iterator[Write]:
    """What writes the rows of a text to the file ``by_text``; without one, nothing. The file is there when the block ends well."""
    if by_text is None:
        yield lambda rows: None  # noqa: ARG005
        return
    from attnviz.renderers.stats.text_rows import require_by_text, text_rows

    require_by_text(path_of("by_text", by_text))
    with text_rows(by_text, [metric.value for metric in metrics]) as write:
        yield write
