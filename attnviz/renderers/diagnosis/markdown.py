"""A diagnosis as Markdown, for an issue, a pull request or the summary of a CI run."""

from __future__ import annotations

from collections.abc import Iterator

from attnviz.analysis.diagnosis.result import Diagnosis
from attnviz.renderers.diagnosis.told import Block, told
from attnviz.text.lessons import Lessons, lessons


def to_markdown(found: Diagnosis, words: Lessons | None = None) -> str:
    """What is told of ``found``: a heading, a list for each mistake, and sentences; in ``words`` (None: in its own language)."""
    return "\n".join(_lines(found, words or lessons(found.language))) + "\n"


def _lines(found: Diagnosis, words: Lessons) -> Iterator[str]:
    said = told(found, words)
    several = len(said.explanations) > 1
    yield f"## {said.headline}"
    for number, explanation in enumerate(said.explanations, start=1):
        for block in explanation:
            yield ""
            yield from _block(block, f"{number}. " if several else "")
    for sentence in said.sentences:
        yield from ("", sentence)


def _block(block: Block, number: str) -> Iterator[str]:
    if block.title:
        yield f"### {number}{block.title}"
        yield f"`{block.name}`"
        yield ""
    for row in block.rows:
        yield f"- {row.label}: {row.text}" + (f": `{row.code}`" if row.code else "")
