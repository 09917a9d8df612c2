"""How far a corpus is: a line that moves where a person watches, a line a minute in a log."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from attnviz.cli.language import spoken
from attnviz.cli.output.progress import DELAY, shown_after, watched
from attnviz.cli.output.streams import notice
from attnviz.corpora.choices import NEEDLES, TEXTS
from attnviz.corpora.standing import Standing, Watch
from attnviz.text.message import COMMA, Message, joined, told

MARGIN = 4  # columns
WIDE = 110  # columns of a terminal that has room for a bar beside the line
MINUTE = 60.0  # seconds between lines in a log


@contextmanager
def corpus_progress(total: int | None, unit: str = TEXTS, every: float = MINUTE) -> Iterator[Watch]:
    """What is to be told how far a run over ``total`` texts is (None: nobody knows how many there are), or over needles."""
    begun = time.monotonic()
    if watched():
        with _bar(total, unit, begun) as watch:
            yield watch
        return
    last = _Last()

    def log(done: threading.Event) -> None:
        while not done.wait(every):
            notice(said(last.standing, total, time.monotonic() - begun, unit))

    over = threading.Event()
    thread = threading.Thread(target=log, args=(over,), daemon=True)
    thread.start()
    try:
        yield last.take
    finally:
        over.set()
        thread.join()


class _Last:
    """What was told last."""

    standing = Standing()

    def take(self, standing: Standing) -> None:
        self.standing = standing


def said(standing: Standing, total: int | None, seconds: float, unit: str = TEXTS) -> Message:
    """One line: texts, tokens a second, time left, workers, and what was skipped or done before, where there is any."""
    parts = [_done(standing.texts, total, unit)]
    parts.append(Message("{rate:,.0f} tokens a second", rate=standing.tokens / max(seconds, 1e-9)))
    measured = standing.texts - standing.before
    if total and measured:
        left = max(0, total - standing.texts) * seconds / measured
        parts.append(Message("{left} left", left=clock(left)))
    parts.append(Message("{workers} workers", workers=standing.workers))
    if standing.skipped:
        parts.append(Message("{skipped:,} skipped", skipped=standing.skipped))
    if standing.before:
        parts.append(Message("{before:,} finished before", before=standing.before))
    line = joined(parts, COMMA)
    return line if isinstance(line, Message) else Message(line)


def _done(texts: int, total: int | None, unit: str) -> Message:
    if unit == NEEDLES:
        return Message("{done:,} of {total:,} needles", done=texts, total=total)
    if total:
        return Message("{texts:,} of {total:,} texts", texts=texts, total=total)
    return Message("{texts:,} texts", texts=texts)


def clock(seconds: float) -> str:
    """1:05:09, or 5:09."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def _bar(total: int | None, unit: str, begun: float) -> Iterator[Watch]:
    from rich.console import Console, ConsoleDimensions
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
    from rich.table import Column

    class Narrower(Console):
        """Leaves room at the end of a line for the ^C that a terminal writes there, which would else begin another."""

        @property  # type: ignore[misc]  # nobody sets it
        def size(self) -> ConsoleDimensions:
            whole = super().size
            return ConsoleDimensions(max(1, whole.width - MARGIN), whole.height)

    console = Narrower(stderr=True)
    text = TextColumn("{task.description}", markup=False, table_column=Column(overflow="fold"))  # on several lines
    wide = total and console.width >= WIDE
    columns = [SpinnerColumn(), *([BarColumn(20)] if wide else []), text]
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task("", total=total)

    def move(standing: Standing) -> None:
        line = told(said(standing, total, time.monotonic() - begun, unit), spoken())
        bar.update(task, description=line, completed=standing.texts)

    move(Standing())
    with shown_after(bar, DELAY):
        yield move
