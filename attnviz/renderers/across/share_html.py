"""Each token's share of what queries read through the layers, as an element of HTML, for a notebook: no script, its style inside."""

from __future__ import annotations

from html import escape

from attnviz.analysis.across.following import Shares
from attnviz.renderers.across.shares import told
from attnviz.renderers.shared.html_table import to_table
from attnviz.text.lessons import Lessons
from attnviz.trace.trace import Trace

WHOLE = "font-family: sans-serif; line-height: 1.4"
PALE = "opacity: 0.7; margin: 0.2em 0"


def to_html(trace: Trace, found: Shares, words: Lessons) -> str:
    """What the table says, in the language of ``words``."""
    said = told(trace, found, words)
    lines = [f'<div style="{WHOLE}">', f"<strong>{escape(said.title)}</strong>"]
    lines += [f'<p style="{PALE}">{escape(said.facts)}</p>', *to_table(said.matrix), "</div>"]
    return "\n".join(lines) + "\n"
