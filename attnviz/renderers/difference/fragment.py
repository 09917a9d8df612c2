"""The difference of two traces as an element of HTML, for a notebook: no script, its style inside."""

from __future__ import annotations

from html import escape

from attnviz.analysis.difference.result import Difference
from attnviz.renderers.difference.told import told
from attnviz.renderers.explain.fragment import WHOLE
from attnviz.renderers.shared.html_table import to_table
from attnviz.text.lessons import lessons

PALE = "opacity: 0.7"


def to_fragment(found: Difference) -> str:
    """The same as the table tells, in the language of ``found``."""
    said = told(found, lessons(found.language))
    lines = [f'<div style="{WHOLE}">', f"<p><strong>{escape(said.headline)}</strong><br>"]
    lines += [f'<span style="{PALE}">{escape(side)}:</span> {escape(source)}<br>' for side, source in said.sources]
    lines += [*(f"{escape(line)}<br>" for line in said.tokens), "</p>", *to_table(said.matrix)]
    lines += [f'<p style="{PALE}">{escape(note)}</p>' for note in said.notes]
    return "\n".join([*lines, "</div>"]) + "\n"
