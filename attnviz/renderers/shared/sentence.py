"""A sentence in a terminal, folded at its spaces, but not between a number and its per cent."""

from __future__ import annotations

import re

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.style import Style
from rich.text import Text

BEFORE_PERCENT = re.compile(r"(?<=\d) (?=%)")
HELD = "\ue000"  # stands for a space that holds both sides together: no token that is shown has it, and Rich folds at no-break spaces


class Sentence:
    """A Rich renderable of a sentence."""

    def __init__(self, text: str, style: Style | None = None) -> None:
        self.text = Text(BEFORE_PERCENT.sub(HELD, text), style or Style())

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self.text)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.text.wrap(console, options.max_width):
            yield Text(line.plain.replace(HELD, " "), self.text.style)
