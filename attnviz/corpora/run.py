"""A work over a corpus: by an engine, what is finished kept, all of it merged in the order of the texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attnviz.corpora.aside import Aside
from attnviz.corpora.engines.chosen import Measure
from attnviz.corpora.shards import Shard, shards
from attnviz.corpora.standing import Standing, Watch, unwatched
from attnviz.corpora.state_folder import StateFolder
from attnviz.corpora.work import Made, Sums, Work
from attnviz.errors import AttnvizError
from attnviz.files import read_whole
from attnviz.progress import Notice, no_notice, whole_step
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.analysis.corpus.skipped import LeftOut
    from attnviz.renderers.stats.text_rows import Write
    from attnviz.sources.texts.corpus import CorpusText, Unread

    Texts = Iterable[CorpusText | Unread | None]

Again = Callable[[], Made]  # what was made of a shard, brought back
Failed = Callable[["LeftOut"], object]


def nobody_asks(left_out: LeftOut) -> None:
    """Forgets a text that was left out: it is counted all the same."""


class Tell(NamedTuple):
    """Who is told how far a run is and what a person should know, and is given rows of texts, and texts that were left out."""

    watch: Watch
    notice: Notice
    write: Write | None
    failed: Failed


def run(
    work: Work,
    texts: Texts,
    engine: Measure,
    *,
    state: Path | None = None,
    size: int | None = None,
    watch: Watch = unwatched,
    notice: Notice = no_notice,
    write: Write | None = None,
    failed: Failed = nobody_asks,
) -> Any:
    """What ``work`` finds in ``texts``, which ``engine`` measures in shards of ``size``, or of as many as is usual. None among the texts
    means that the next has not come yet, so that what is finished is taken meanwhile.

    They are the same, to the last bit, whichever engine runs and in whatever order shards are finished, since these are merged
    in the order of the texts. ``state`` is a folder that keeps finished shards: only those that it lacks are measured.
    Where the run is interrupted (KeyboardInterrupt), what is finished comes back, and is ``partial``.
    ``write`` is given the rows of each text, in the order of the texts, where the work is ``by_text``; ``failed``, each text that
    was left out, with its place among all, from 0.
    """
    size = size or work.usual_size
    folder = None if state is None else StateFolder(state, work, size)
    with closing(Aside()) as aside:
        made = _Run(work, size, folder, aside, Tell(watch, notice, write, failed))
        return made.over(shards(texts, size), engine)


class _Run:
    """The shards that are done: ``merged``, those before the first that is not, and where the others are, by their numbers."""

    def __init__(self, work: Work, size: int, folder: StateFolder | None, aside: Aside, tell: Tell) -> None:
        self.work, self.size, self.folder, self.aside, self.tell = work, size, folder, aside, tell
        self.merged: Any = work.statistics()
        self.next = 0
        self.done: dict[int, Again] = {}
        self.standing = Standing()

    def over(self, every: Iterator[Shard | None], engine: Measure) -> Any:
        """The statistics of all shards, or of those that are done when the run is interrupted."""
        try:
            with closing(engine(self.work, self._missing(every), self._alive)) as results:
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
        if self.standing.ended:
            ended = self.standing.ended
            self.tell.notice(Message("{ended:,} workers ended on the way; no text is lost", ended=ended))
        if self.standing.kept:
            self.tell.notice(self._kept_before())
        return self.merged

    def _kept_before(self) -> Message:
        kept, new = self.standing.kept, self.standing.shards
        if self.merged.partial:  # nobody knows how many there are
            return Message("{kept:,} shards had been finished before this run, and {new:,} in it", kept=kept, new=new)
        return Message("{kept:,} of {all:,} shards had been finished before", kept=kept, all=kept + new)

    def _all(self) -> int:
        return self.standing.shards + self.standing.kept

    def _missing(self, every: Iterator[Shard | None]) -> Iterator[Shard | None]:
        """The shards that are still to be measured; those that are kept are merged."""
        for shard in every:
            if shard is None:
                yield None
                continue
            before = self._kept(shard)
            if self.folder is None or before is None:
                yield shard
                continue
            with whole_step():
                self._count(before.statistics, kept=1)
                self._add(shard.number, before, self._kept_at(self.folder.path(shard)))

    def _kept(self, shard: Shard) -> Made | None:
        """What is kept of a shard; what is kept but cannot be used is told."""
        try:
            return None if self.folder is None else self.folder.kept(shard)
        except AttnvizError as error:
            self.tell.notice(Message("{said}; its texts are measured again", said=error.message))
            return None

    def _finish(self, shard: Shard, content: bytes) -> None:
        made = self.work.opened(content, str(shard.told))
        hold = self._aside(content, shard) if self.folder is None else self._kept_at(self.folder.keep(shard, content))
        self._add(shard.number, made, hold)
        self._count(made.statistics, shards=1, tokens=made.tokens)

    def _kept_at(self, path: Path) -> Callable[[], Again]:
        return lambda: lambda: self.work.opened(read_whole(path), str(path))

    def _aside(self, content: bytes, shard: Shard) -> Callable[[], Again]:
        def hold() -> Again:
            taken = self.aside.put(content)
            return lambda: self.work.opened(taken(), str(shard.told))

        return hold

    def _count(self, made: Sums, shards: int = 0, kept: int = 0, tokens: int = 0) -> None:
        before = self.standing
        self.standing = before._replace(
            texts=before.texts + made.texts + made.skipped,
            skipped=before.skipped + made.skipped,
            tokens=before.tokens + tokens,
            shards=before.shards + shards,
            kept=before.kept + kept,
            before=before.before + (made.texts + made.skipped if kept else 0),
        )
        self.tell.watch(self.standing)

    def _alive(self, workers: int, ended: int) -> None:
        self.standing = self.standing._replace(workers=workers, ended=ended)
        self.tell.watch(self.standing)

    def _add(self, number: int, made: Made, hold: Callable[[], Again]) -> None:
        """Merge a shard, and those after it that were waiting for it. One that waits is not held: they may be many."""
        if number != self.next:
            self.done[number] = hold()
            return
        self._take(number, made)
        self.next += 1
        while self.next in self.done:
            self._take(self.next, self.done.pop(self.next)())
            self.next += 1

    def _take(self, number: int, made: Made) -> None:
        self.merged = self.merged.merged(made.statistics)
        if self.tell.write is not None:
            for rows in made.rows:
                self.tell.write(rows)
        for one in made.left_out:
            self.tell.failed(one._replace(place=number * self.size + one.place))

    def _merge_all(self) -> None:
        """Merge what is finished, whatever is missing in between."""
        for number in sorted(self.done):
            self._take(number, self.done.pop(number)())

    def _kept_told(self, error: AttnvizError) -> AttnvizError:
        """What went wrong, and that what is finished need not be done again."""
        if self.folder is None or not self._all():
            return error
        kept, folder = self._all(), self.folder.folder
        said = Message("{folder} keeps {kept:,} finished shards", kept=kept, folder=folder)
        hint = Message("{hint}; {said}", hint=error.hint, said=said) if error.hint else said
        return type(error)(error.message, hint)
