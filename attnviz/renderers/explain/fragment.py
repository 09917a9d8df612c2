"""explain as HTML: the same headings, sentences and tables as one element, for slides: no script, its style inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from itertools import chain

from attnviz.renderers.explain.document import Heading, Part, Section, with_tokens
from attnviz.renderers.shared.html_table import to_table

WHOLE = "font-family: sans-serif; line-height: 1.4"
ROW = "display: flex; flex-wrap: wrap; column-gap: 2.5em; align-items: flex-end"
PIECE = "max-width: 100%; overflow-x: auto"
FORMULA = "font-weight: normal; font-style: italic"


def to_fragment(parts: Iterable[Part]) -> str:
    """What ``sections.explain`` tells, as an element that may stand in any page."""
    lines, level = [f'<div style="{WHOLE}">'], 1
    for part in parts:
        if isinstance(part, Heading):
            level = part.level
            lines.append(f"<h{level + 1}>{escape(part.text) if level == 1 else _told(part.text)}</h{level + 1}>")
            lines += [f"<p>{_told(part.facts)}</p>"] if part.facts else []
        elif isinstance(part, Section):
            lines += _section(part, level + 2)
        else:
            lines += _side_by_side(_section(one, level + 2) for one in part.sections)
    return "\n".join([*lines, "</div>"]) + "\n"


def _section(section: Section, level: int) -> Iterator[str]:
    """The elements of a section, whose heading is one level below that of the head or the layer above it."""
    formula = f' <span style="{FORMULA}">{escape(section.formula)}</span>' if section.formula else ""
    yield f"<h{level}>{_told(section.title)}{formula}</h{level}>"
    if section.sentences:
        yield f"<p>{' '.join(map(_told, section.sentences))}</p>"
    if section.lines:
        yield f"<pre>{escape(chr(10).join(section.lines))}</pre>"
    tables = map(to_table, section.matrices)
    yield from _side_by_side(tables) if len(section.matrices) > 1 else chain.from_iterable(tables)


def _side_by_side(pieces: Iterable[Iterator[str]]) -> Iterator[str]:
    """``pieces`` beside each other, as many as the slide is wide enough for."""
    yield f'<div style="{ROW}">'
    for piece in pieces:
        yield from [f'<div style="{PIECE}">', *piece, "</div>"]
    yield "</div>"


def _told(sentence: str) -> str:
    """A sentence, its tokens as code."""
    return with_tokens(sentence, escape, lambda token: f"<code>{escape(token)}</code>")
