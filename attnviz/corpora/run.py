"""A job over a corpus: by an engine, what is finished kept, all of it merged in the order of the texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from attnviz.corpora.aside import Aside
from attnviz.corpora.choices import SHARD_SIZE
from attnviz.corpora.engines.chosen import Measure
from attnviz.corpora.job import Job
from attnviz.corpora.shards import Shard, shards
from attnviz.corpora.standing import Standing, Watch, unwatched
from attnviz.corpora.state_folder import StateFolder
from attnviz.errors import AttnvizError
from attnviz.files import read_whole
from attnviz.progress import Notice, no_notice, whole_step
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.analysis.corpus import Statistics
    from attnviz.analysis.corpus.by_text import TextRows
    from attnviz.renderers.stats.text_rows import Write
    from attnviz.sources.texts.corpus import CorpusText, Unread

    Texts = Iterable[CorpusText | Unread]


class Made(NamedTuple):
    """What was made of a shard: the statistics and, where they are asked for, the rows of its texts."""

    statistics: Statistics
    rows: list[TextRows]


Again = Callable[[], Made]  # what was made of a shard, brought back


def run(
    job: Job,
    texts: Texts,
    engine: Measure,
    *,
    state: Path | None = None,
    size: int = SHARD_SIZE,
    watch: Watch = unwatched,
    notice: Notice = no_notice,
    write: Write | None = None,
) -> Statistics:
    """The statistics of ``texts``, which ``engine`` measures shard by shard.

    They are the same, to the last bit, whichever engine runs and in whatever order shards are finished, since these are merged
    in the order of the texts. ``state`` is a folder that keeps finished shards: only those that it lacks are measured.
    Where the run is interrupted (KeyboardInterrupt), what is finished comes back, and is ``partial``.
    ``write`` is given the rows of each text, in the order of the texts, where the job is ``by_text``.
    """
    folder = None if state is None else StateFolder(state, job, size)
    with closing(Aside()) as aside:
        return _Run(job, folder, aside, watch, notice, write).over(shards(texts, size), engine)


class _Run:
    """The shards that are done: ``merged``, those before the first that is not, and where the others are, by their numbers."""

    def __init__(
        self, job: Job, folder: StateFolder | None, aside: Aside, watch: Watch, notice: Notice, write: Write | None
    ) -> None:
        self.job, self.folder, self.aside = job, folder, aside
        self.watch, self.notice, self.write = watch, notice, write
        self.merged = job.statistics()
        self.next = 0
        self.done: dict[int, Again] = {}
        self.standing = Standing()

    def over(self, every: Iterator[Shard], engine: Measure) -> Statistics:
        """The statistics of all shards, or of those that are done when the run is interrupted."""
        try:
            with closing(engine(self.job, self._missing(every), self._alive)) as results:
                for shard, content in results:
                    with whole_step():  # a shard that is kept is counted, too
                        self._finish(shard, content)
        except KeyboardInterrupt:
            if not self.standing.texts:
                raise
            self._merge_all()
            self.merged.partial = True
        except AttnvizError as error:
            raise self._kept_told(error) from None
        if self.standing.kept:
            said = Message(
                "{kept:,} of {all:,} shards had been finished before", kept=self.standing.kept, all=self._all()
            )
            self.notice(said)
        return self.merged

    def _all(self) -> int:
        return self.standing.shards + self.standing.kept

    def _missing(self, every: Iterator[Shard]) -> Iterator[Shard]:
        """The shards that are still to be measured; those that are kept are merged."""
        for shard in every:
            if self.folder is None or (content := self.folder.kept(shard)) is None:
                yield shard
                continue
            try:
                before = self._opened(content, str(self.folder.path(shard)))
            except AttnvizError as error:
                self.notice(Message("{said}; its texts are measured again", said=error.message))
                yield shard
                continue
            with whole_step():
                self._count(before.statistics, kept=1)
                self._add(shard.number, before, self._kept_at(self.folder.path(shard)))

    def _finish(self, shard: Shard, content: bytes) -> None:
        made = self._opened(content, str(shard.told))
        hold = self._aside(content, shard) if self.folder is None else self._kept_at(self.folder.keep(shard, content))
        self._add(shard.number, made, hold)
        self._count(made.statistics, shards=1, tokens=made.statistics.tokens)

    def _kept_at(self, path: Path) -> Callable[[], Again]:
        return lambda: lambda: self._opened(read_whole(path), str(path))

    def _aside(self, content: bytes, shard: Shard) -> Callable[[], Again]:
        def hold() -> Again:
            taken = self.aside.put(content)
            return lambda: self._opened(taken(), str(shard.told))

        return hold

    def _count(self, made: Statistics, shards: int = 0, kept: int = 0, tokens: int = 0) -> None:
        before = self.standing
        self.standing = before._replace(
            texts=before.texts + made.texts + made.skipped,
            skipped=before.skipped + made.skipped,
            tokens=before.tokens + tokens,
            shards=before.shards + shards,
            kept=before.kept + kept,
            before=before.before + (made.texts + made.skipped if kept else 0),
        )
        self.watch(self.standing)

    def _alive(self, workers: int) -> None:
        self.standing = self.standing._replace(workers=workers)
        self.watch(self.standing)

    def _opened(self, content: bytes, name: str) -> Made:
        from attnviz.analysis.corpus import Statistics
        from attnviz.analysis.corpus.by_text_arrays import rows_of
        from attnviz.analysis.corpus.state_file import of_file, unpacked

        held = unpacked(content, name)
        statistics = Statistics.of_packed(held, name)
        with of_file(name):
            return Made(statistics, rows_of(held.arrays, len(statistics.metrics)) if self.job.by_text else [])

    def _add(self, number: int, made: Made, hold: Callable[[], Again]) -> None:
        """Merge a shard, and those after it that were waiting for it. One that waits is not held: they may be many."""
        if number != self.next:
            self.done[number] = hold()
            return
        self._take(made)
        self.next += 1
        while self.next in self.done:
            self._take(self.done.pop(self.next)())
            self.next += 1

    def _take(self, made: Made) -> None:
        self.merged = self.merged.merged(made.statistics)
        if self.write is not None:
            for rows in made.rows:
                self.write(rows)

    def _merge_all(self) -> None:
        """Merge what is finished, whatever is missing in between."""
        for number in sorted(self.done):
            self._take(self.done.pop(number)())

    def _kept_told(self, error: AttnvizError) -> AttnvizError:
        """What went wrong, and that what is finished need not be done again."""
        if self.folder is None or not self._all():
            return error
        kept, folder = self._all(), self.folder.folder
        said = Message("{folder} keeps {kept:,} finished shards", kept=kept, folder=folder)
        hint = Message("{hint}; {said}", hint=error.hint, said=said) if error.hint else said
        return type(error)(error.message, hint)
