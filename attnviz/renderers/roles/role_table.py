"""The roles of a model's heads for a person: a block for each role."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from attnviz.choices import MODEL_CASES
from attnviz.renderers.roles.told import Told, told
from attnviz.renderers.shared.plain import plain
from attnviz.renderers.shared.sentence import Sentence
from attnviz.renderers.shared.table import BOLD, DIM
from attnviz.text.display import shown_line
from attnviz.text.lessons import Lessons, lessons
from attnviz.trace.roles import Roles, Verdict

COLOURS = {Verdict.PROVED: "green", Verdict.PARTLY: "yellow", None: "default"}  # of a verdict; of the others red
INDENT = (0, 0, 0, 2)  # of what stands below a role's title


def to_renderable(found: Roles, words: Lessons | None = None) -> Group:
    """A block for each role: which head, its numbers with their intervals, and what they mean together.

    ``words`` are in the language of the reader; None: in that of ``found``.
    """
    words = words or lessons(found.language)
    title, footnotes = title_and_footnotes(found, words)
    return Group(
        Text(title, BOLD),
        *(part for one in found.roles for part in _block(told(one, found, words), COLOURS.get(one.verdict, "red"))),
        Text(""),
        *(Sentence(line, DIM) for line in footnotes),
    )


def to_text(found: Roles) -> str:
    """The same in the language of ``found`` as plain text."""
    return plain(to_renderable(found))


def _block(role: Told, colour: str) -> Iterator[RenderableType]:
    yield Text("")
    yield Text.assemble((role.title, BOLD), f" · {role.head} · ", (role.verdict, Style(bold=True, color=colour)))
    grid = Table.grid(padding=(0, 2))
    for number in range(3):
        grid.add_column(justify="right" if number else "left", no_wrap=bool(number))
    for row in role.rows:
        grid.add_row(row.label, row.value, Text(row.interval, DIM))
    yield Padding(grid, INDENT, expand=False)
    yield from (Padding(Sentence(sentence), INDENT, expand=False) for sentence in role.sentences)


def title_and_footnotes(found: Roles, words: Lessons) -> tuple[str, list[str]]:
    """What stands above all roles, and the lines below them."""
    title = words.say("roles.title", model=shown_line(found.model), cases=f"{found.cases:,}", seed=found.seed)
    return title, list(_footnotes(found, words))


def _footnotes(found: Roles, words: Lessons) -> Iterator[str]:
    if found.tried:
        yield words.say("roles.without")
    if 0 < found.tried < found.heads:
        yield words.say("roles.tried", tried=found.tried, heads=found.heads)
    yield words.say("roles.intervals")
    if found.cases < MODEL_CASES:
        yield words.say("roles.few", more=MODEL_CASES)
