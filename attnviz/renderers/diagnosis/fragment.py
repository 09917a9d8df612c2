"""A diagnosis as an element of HTML, for a notebook: no script, its style inside."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from attnviz.analysis.diagnosis.result import Diagnosis, Verdict
from attnviz.renderers.diagnosis.told import Block, Row, told
from attnviz.text.lessons import Lessons, lessons

# Of a verdict: each stands out on white and on black alike, for a notebook may be dark.
COLOURS = {
    Verdict.CORRECT: "#2d885b",
    Verdict.MISTAKE: "#d6433d",
    Verdict.SEVERAL: "#a36c0d",
    Verdict.UNKNOWN: "#a557bf",
}
WHOLE = (
    "font-family: sans-serif; line-height: 1.4; max-width: 60em; border-left: 0.3em solid {colour}; padding-left: 1em"
)
LIST = "display: grid; grid-template-columns: max-content 1fr; gap: 0.2em 1em; margin: 0.3em 0 1em"
LABEL = "opacity: 0.7"
ISSUES = "https://github.com/{repository}/issues/{number}"


def to_fragment(found: Diagnosis, words: Lessons | None = None) -> str:
    """What is told of ``found``, in the language of ``words``; None: in its own."""
    return "\n".join(_lines(found, words or lessons(found.language))) + "\n"


def _lines(found: Diagnosis, words: Lessons) -> Iterator[str]:
    said = told(found, words)
    several, colour = len(said.explanations) > 1, COLOURS[said.verdict]
    yield f'<div style="{WHOLE.format(colour=colour)}">'
    yield f'<strong style="color: {colour}">{escape(said.headline)}</strong>'
    for number, explanation in enumerate(said.explanations, start=1):
        for block in explanation:
            yield from _block(block, f"{number}. " if several else "")
    yield from (f'<p style="{LABEL}">{escape(sentence)}</p>' for sentence in said.sentences)
    yield "</div>"


def _block(block: Block, number: str) -> Iterator[str]:
    if block.title:
        yield f"<p><strong>{escape(number + block.title)}</strong> <code>{escape(block.name)}</code></p>"
    yield f'<div style="{LIST}">'
    for row in block.rows:
        yield f'<span style="{LABEL}">{escape(row.label)}</span><span>{_said(row)}</span>'
    yield "</div>"


def _said(row: Row) -> str:
    text = " · ".join(_link(issue) for issue in row.issues) if row.issues else escape(row.text)
    return f"{text}<br><code>{escape(row.code)}</code>" if row.code else text


def _link(issue: str) -> str:
    """A public issue by its name, owner/repository#number, as a link to it."""
    repository, _, number = issue.partition("#")
    address = ISSUES.format(repository=repository, number=number)
    return f'<a style="color: inherit" href="{escape(address)}">{escape(issue)}</a>'
