"""One step of a generation as a few lines: what was chosen and what else might have been, and what its heads read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from attnviz.analysis.reading import LEAST, HeadReading, ReadWord
from attnviz.renderers.roles.told import role_name, worn_name
from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.numbers import brief_percent
from attnviz.text.display import NamedToken, shown_line
from attnviz.text.lessons import Lessons
from attnviz.trace.generation import Predictions
from attnviz.trace.layer import STACKS
from attnviz.trace.trace import Trace
from attnviz.trace.written import Written

NUMBER_CELLS = 3  # of the number of a step
GAP = "  "


class Step(NamedTuple):
    """What is shown of a step.

    runners  the predictions without the token that was chosen, and without those that are next to impossible
    """

    number: int
    token: str
    probability: float
    runners: Predictions
    readings: Sequence[HeadReading]


def decided(written: Written, readings: Sequence[HeadReading]) -> Step:
    """What is shown of ``written``."""
    others = [one for one in written.predictions if one[0] != written.token]
    runners = tuple(one for place, one in enumerate(others) if place == 0 or one[1] >= LEAST)
    return Step(written.step, written.token, written.probability, runners, readings)


class StepLines:
    """A step as Rich shows it: a line for the choice and one for each head, each as far as the width reaches."""

    def __init__(self, step: Step, lessons: Lessons) -> None:
        self.step, self.lessons = step, lessons

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self.lines(options.max_width)

    def lines(self, width: int) -> Iterator[Text]:
        """The lines, each in so many cells."""
        return (self._line(parts, width) for parts in self._parts(width))

    def _parts(self, width: int) -> list[list[Text]]:
        step = self.step
        choice = [Text(f"{step.number:>{NUMBER_CELLS}}", style="dim"), Text(name(step.token), style="bold")]
        if not math.isnan(step.probability):
            choice.append(Text(brief_percent(step.probability), style="green"))
        runners = [Text(f"{name(token)} {brief_percent(share)}") for token, share in step.runners]
        if runners:
            choice += [Text.assemble((self.lessons.say("generate.rest"), "dim"), " ", runners[0]), *runners[1:]]
        indent = Text(" " * NUMBER_CELLS)
        room = width - NUMBER_CELLS - len(GAP)
        return [choice, *([indent, *self._reading(reading, room)] for reading in step.readings)]

    def _reading(self, reading: HeadReading, room: int) -> list[Text]:
        """The head with as much of its roles as there is room for beside a word, and what it read."""
        words = [Text(f"{word_name(word)} {brief_percent(word.weight)}") for word in reading.words]
        first = len(GAP) + words[0].cell_len if words else 0
        head, roles = head_name(reading, self.lessons), [role_name(one, self.lessons) for one in reading.roles]
        titles = head_title(reading, self.lessons), " · ".join([head, *roles]), " · ".join(roles)
        title = next((title for title in titles if title and cell_len(title) + first <= room), head)
        return [Text(title, style="cyan"), *words]

    def _line(self, parts: list[Text], width: int) -> Text:
        """As many parts as fit, at least the first three."""
        line = Text(no_wrap=True, overflow="ellipsis")
        for place, part in enumerate(parts):
            if place > 2 and cell_len(line.plain) + len(GAP) + cell_len(part.plain) > width:
                break
            line.append(GAP if place else "").append(part)
        return line


def word_name(word: ReadWord) -> str:
    """A word as a line of its own names it: "the @4" where it is not the only one."""
    return NamedToken(name(word.token), word.position).plain


def head_title(reading: HeadReading, lessons: Lessons) -> str:
    """The head with the roles that it wears: "layer 1 head 0 · meaning (proved)"."""
    return " · ".join([head_name(reading, lessons), *(worn_name(one, lessons) for one in reading.roles)])


def head_name(reading: HeadReading, lessons: Lessons) -> str:
    """The head as a person speaks of it: "layer 1 head 0", "cross 1 head 0"."""
    stack, _, number = reading.layer.partition(" ")
    if stack in STACKS:
        return lessons.say("generate.stack", layer=reading.layer, head=reading.head)
    return lessons.say("generate.head", layer=number, head=reading.head)


def ending(trace: Trace, asked: int, lessons: Lessons, *, worn: bool = False) -> Text:
    """What was written as a whole, and whether the model ended it itself.

    worn  whether heads were shown that wear a role: then what that means stands before
    """
    generation = trace.generation
    assert generation is not None
    written = generation.text if generation.text is not None else " ".join(generation.chosen)
    lines = [lessons.say("generate.roles"), ""] if worn else []
    lines.append(lessons.say("generate.wrote", text=shown_line(written.strip() or written)))
    if len(generation.chosen) < asked:
        lines.append(lessons.say("generate.ended", count=len(generation.chosen), asked=asked))
    return Text("\n" + "\n".join(lines) + "\n")
