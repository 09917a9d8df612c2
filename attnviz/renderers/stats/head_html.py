"""What the heads do, as an element of HTML, for a notebook: no script, its style inside."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from attnviz.analysis.corpus import Statistics
from attnviz.analysis.metrics import Metric
from attnviz.renderers.shared.html_table import to_table
from attnviz.renderers.stats.head_table import Told, told
from attnviz.text.lessons import Lessons, lessons

WHOLE = "font-family: sans-serif; line-height: 1.4"
WIDE = "overflow: auto; max-height: 40em; margin-bottom: 0.6em"  # a model has hundreds of heads
PALE = "opacity: 0.7; margin: 0.2em 0"


def to_html(statistics: Statistics, sort: Metric | None, words: Lessons | None = None) -> str:
    """What the table says, in the language of ``words``; None: in English."""
    return as_html(told(statistics, sort, words or lessons()))


def as_html(said: Told) -> str:
    """What is ``said``, in a notebook."""
    return "\n".join(_lines(said)) + "\n"


def _lines(said: Told) -> Iterator[str]:
    yield f'<div style="{WHOLE}">'
    yield f"<strong>{escape(said.facts)}</strong>"
    yield f'<p style="{PALE}">{escape(said.reading)}</p>'
    yield f'<div style="{WIDE}">'
    yield from to_table(said.matrix)
    yield "</div>"
    for section in (said.names, *said.more):
        yield from _names(section)
    yield from (f'<p style="{PALE}">{escape(line)}</p>' for line in said.footnotes)
    yield "</div>"


def _names(lines: list[str]) -> Iterator[str]:
    """What the heads are called."""
    if lines:
        yield f"<strong>{escape(lines[0])}</strong>"
        yield f"<ul>{''.join(f'<li>{escape(line.strip())}</li>' for line in lines[1:])}</ul>"
