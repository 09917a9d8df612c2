"""What is going on, on standard error, and only where a person watches: on a terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attnviz.cli.language import spoken
from attnviz.text.message import told

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, Task

DELAY = 0.5  # seconds before a line is shown

ProgressLine = Callable[[str, int, int | None], None]  # what is being done, how many are done, of how many


def no_line(*_: object) -> None:
    """A progress line that is not shown."""


def watched() -> bool:
    """Whether a person sees standard error."""
    return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def progress(what: str, *, timed: bool = False, counted: bool = True, delay: float = DELAY) -> Iterator[ProgressLine]:
    """A line that the block moves by calling what this yields; it is gone when the block ends.

    It appears after ``delay`` seconds: work that is done by then needs no line that flashes up.

    A bar where it is known how much there is to do, else the time that has passed. ``timed`` adds the rate and, where the
    end is known, the time left. What is not ``counted`` in anything that a person would count is told in per cent.
    """
    if not watched():
        yield no_line
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    from attnviz.text.display import shown_line

    what = shown_line(told(what, spoken()))  # it may be a person's own: a folder
    name = TextColumn("{task.description}", markup=False)
    columns = [SpinnerColumn(), name, *_columns(timed, counted)]
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=None, rate="")

    def move(what: str, done: int, total: int | None) -> None:
        speed = bar.tasks[task].speed
        bar.update(
            task, description=told(what, spoken()), completed=done, total=total, rate=f"{speed:.1f}/s" if speed else ""
        )

    with shown_after(bar, delay):
        yield move


@contextmanager
def shown_after(bar: Progress, delay: float) -> Iterator[None]:
    """Show ``bar`` when the block has run for ``delay`` seconds, until it ends."""
    timer = threading.Timer(delay, bar.start)
    try:
        timer.start()
        yield
    finally:
        timer.cancel()
        if timer.ident is not None:
            timer.join()
        if bar.live.is_started:
            bar.stop()


def _columns(timed: bool, counted: bool) -> list[ProgressColumn]:
    """How far it is: in other words where the end is known than where it is not."""
    from rich.console import RenderableType
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    class Where(ProgressColumn):
        """A column of the tasks whose end is ``known``, or of those whose end is not; of the others it is empty."""

        def __init__(self, known: bool, column: ProgressColumn) -> None:
            super().__init__()
            self.known, self.column = known, column

        def render(self, task: Task) -> RenderableType:
            return self.column(task) if (task.total is not None) is self.known else ""

    count = TextColumn("{task.completed}")
    rate = TextColumn("{task.fields[rate]}")
    unknown: list[ProgressColumn] = [count, TimeElapsedColumn(), rate] if timed else [TimeElapsedColumn()]
    done = [MofNCompleteColumn(), *([rate] if timed else [])] if counted else [TaskProgressColumn()]
    known: list[ProgressColumn] = [BarColumn(), *done, *([TimeRemainingColumn()] if timed else [])]
    return [*(Where(False, column) for column in unknown), *(Where(True, column) for column in known)]
