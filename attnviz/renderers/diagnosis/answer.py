"""A diagnosis for a person: the verdict, and a block for each mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.style import Style
from rich.text import Text

from attnviz.analysis.diagnosis.result import Diagnosis, Verdict
from attnviz.renderers.diagnosis.facts import Facts
from attnviz.renderers.diagnosis.told import Block, told
from attnviz.renderers.shared.plain import plain
from attnviz.renderers.shared.sentence import Sentence
from attnviz.renderers.shared.table import BOLD, DIM
from attnviz.text.lessons import Lessons, lessons

COLOURS = {Verdict.CORRECT: "green", Verdict.MISTAKE: "red", Verdict.SEVERAL: "yellow", Verdict.UNKNOWN: "magenta"}


def to_renderable(found: Diagnosis, words: Lessons | None = None) -> Group:
    """The verdict; of each mistake where it is, how well it explains, what to change and who met it; and what to do next.

    ``words`` are in the language of the reader; None: in that of ``found``.
    """
    said = told(found, words or lessons(found.language))
    colour = Style(bold=True, color=COLOURS[said.verdict])
    several = len(said.explanations) > 1
    return Group(
        Sentence(said.headline, colour),
        *(
            part
            for number, explanation in enumerate(said.explanations, start=1)
            for part in _explanation(explanation, f"{number}. " if several else "")
        ),
        *([Text("")] if said.sentences else []),
        *(Sentence(line, DIM) for line in said.sentences),
    )


def to_text(found: Diagnosis) -> str:
    """The same in the language of ``found`` as plain text."""
    return plain(to_renderable(found))


def _explanation(blocks: Sequence[Block], number: str) -> Iterator[RenderableType]:
    """The mistakes that hold together; ``number`` stands before the first."""
    for place, block in enumerate(blocks):
        yield Text("")
        before = number if not place else " " * len(number)
        if block.title:
            yield Sentence(f"{before}{block.title}", BOLD)
            yield Text(f"  {block.name}", DIM)
        yield Facts(block.rows)
