"""The roles of a model's heads as an element of HTML, for a notebook: no script, its style inside."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from attnviz.renderers.roles.role_table import title_and_footnotes
from attnviz.renderers.roles.told import Told, told
from attnviz.text.lessons import lessons
from attnviz.trace.roles import Roles, Verdict

# Of a verdict: each stands out on white and on black alike, for a notebook may be dark.
COLOURS = {Verdict.PROVED: "#2d885b", Verdict.PARTLY: "#a36c0d", None: "#787878"}
OTHER = "#d6433d"
WHOLE = "font-family: sans-serif; line-height: 1.4; max-width: 60em"
BLOCK = "border-left: 0.3em solid {colour}; padding-left: 1em; margin: 1em 0"
LIST = "display: grid; grid-template-columns: max-content max-content 1fr; gap: 0.1em 1.5em; margin: 0.3em 0"
NUMBER = "text-align: right; font-variant-numeric: tabular-nums"
PALE = "opacity: 0.7"


def to_html(found: Roles) -> str:
    """What the table says, in the language of ``found``."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Roles) -> Iterator[str]:
    words = lessons(found.language)
    title, footnotes = title_and_footnotes(found, words)
    yield f'<div style="{WHOLE}">'
    yield f"<strong>{escape(title)}</strong>"
    for one in found.roles:
        yield from _block(told(one, found, words), COLOURS.get(one.verdict, OTHER))
    yield from (f'<p style="{PALE}; margin: 0.3em 0">{escape(line)}</p>' for line in footnotes)
    yield "</div>"


def _block(role: Told, colour: str) -> Iterator[str]:
    yield f'<div style="{BLOCK.format(colour=colour)}">'
    verdict = f'<strong style="color: {colour}">{escape(role.verdict)}</strong>'
    yield f"<strong>{escape(role.title)}</strong> · {escape(role.head)} · {verdict}"
    yield f'<div style="{LIST}">'
    for row in role.rows:
        number, interval = f'<span style="{NUMBER}">{escape(row.value)}</span>', escape(row.interval)
        yield f'<span>{escape(row.label)}</span>{number}<span style="{PALE}">{interval}</span>'
    yield "</div>"
    yield from (f'<p style="margin: 0.2em 0">{escape(sentence)}</p>' for sentence in role.sentences)
    yield "</div>"
