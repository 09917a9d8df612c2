"""Shards given to workers, each again when its worker ends before it is done."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from typing import Any

from attnviz.corpora.engines.workers import Done, Event, Failed, Gone, Placed, Ready, Workers
from attnviz.corpora.shards import Shard
from attnviz.errors import AttnvizError

DEATHS = 3  # workers that a shard may end: one may be chance, such as a machine that went or memory that others took
STARTS = 3  # workers that may end one after the other before any has loaded the model
PATIENCE = 45.0  # seconds without any worker that has a place, after which a run ends: a cluster has lost too much
LOOK = 1.0  # seconds between looks at the clock
Told = Callable[[int, int], Any]  # is told how many workers there are, and how many have ended on the way
Results = Generator[tuple[Shard, bytes], None, None]  # shards, and what was made of each


def no_one(alive: int, ended: int) -> None:
    """Tells nobody how many workers there are, and how many have ended."""


def dispatched(
    workers: Workers, shards: Iterator[Shard | None], told: Told = no_one, patience: float = PATIENCE
) -> Results:
    """Each shard with what was made of it, as they are finished; the ``workers`` are ended when this ends, however it does.

    No more shards are held than there are workers, beside those in work; None among them means that the next has not come yet.
    A worker that ends is replaced, and its shard is given to the next. AttnvizError where a shard ends one worker after the other,
    none can load the model, or for ``patience`` seconds none has a place.
    """
    try:
        yield from _Dispatch(workers, shards, told, patience).results()
    finally:
        workers.close()


class _Dispatch:
    """Who does what.

    waiting  shards that nobody measures; more, whether others may come
    asked    workers that were asked for, and have no place yet; loading, those that load the model
    free     workers that wait for a shard; busy, what each of the others measures
    deaths   how many workers each shard has ended; lost, how many have ended while they loaded the model, since one was ready
    ended    workers that others were put in the place of
    last     when a worker last had a place
    """

    def __init__(self, workers: Workers, shards: Iterator[Shard | None], told: Told, patience: float) -> None:
        self.workers, self.shards, self.told, self.patience = workers, shards, told, patience
        self.waiting: deque[Shard] = deque()
        self.more = True
        self.asked: set[int] = set()
        self.loading: set[int] = set()
        self.free: deque[int] = deque()
        self.busy: dict[int, Shard] = {}
        self.deaths: Counter[int] = Counter()
        self.lost = self.ended = 0
        self.last = time.monotonic()

    def results(self) -> Iterator[tuple[Shard, bytes]]:
        self._fetch()
        while self.waiting or self.busy or self.more:
            self._start()
            self._give()
            for event in self.workers.wait(LOOK):
                yield from self._taken(event)
            self.told(self._placed(), self.ended)
            self._require_any()
            self._fetch()

    def _fetch(self) -> None:
        """Take as many shards as there are workers, or as have come."""
        while self.more and len(self.waiting) < self.workers.count:
            try:
                shard = next(self.shards)
            except StopIteration:
                self.more = False
                return
            if shard is None:
                return
            self.waiting.append(shard)

    def _placed(self) -> int:
        return len(self.loading) + len(self.free) + len(self.busy)

    def _start(self) -> None:
        wanted = min(self.workers.count, len(self.waiting) + len(self.busy))
        while self._placed() + len(self.asked) < wanted:
            self.asked.add(self.workers.start())

    def _give(self) -> None:
        while self.free and self.waiting:
            worker = self.free.popleft()
            self.busy[worker] = self.waiting.popleft()
            self.workers.give(worker, self.busy[worker])

    def _taken(self, event: Event) -> Iterator[tuple[Shard, bytes]]:
        """What is made of a report; where a shard is done, it with its statistics."""
        match event:
            case Placed(worker):
                self.asked.discard(worker)
                self.loading.add(worker)
            case Ready(worker):
                self.loading.discard(worker)
                self.free.append(worker)
                self.lost = 0
            case Done(worker, content):
                self.free.append(worker)
                yield self.busy.pop(worker), content
            case Failed(_, error):
                raise error
            case Gone(worker, why):
                self._replace(worker, why)

    def _replace(self, worker: int, why: str) -> None:
        """A worker has ended: its shard waits again, in front of all others."""
        self.ended += 1
        loading = worker in self.loading
        self.asked.discard(worker)
        self.loading.discard(worker)
        if worker in self.free:
            self.free.remove(worker)
        if (shard := self.busy.pop(worker, None)) is None:
            if not loading:  # it had no place yet, or no shard: its machine has gone, which says nothing of the work
                return
            self.lost += 1
            if self.lost >= STARTS:
                raise AttnvizError(
                    "{lost} workers in a row have ended before they had loaded the model: {why}",
                    "fewer workers need less memory: --workers N",
                    lost=self.lost,
                    why=why,
                )
            return
        self.deaths[shard.number] += 1
        if self.deaths[shard.number] >= DEATHS:
            raise AttnvizError(
                "{shard} has ended {deaths} workers, one after the other: {why}",
                "a text in it may take too much memory: give a smaller --shard-size, or leave it out",
                shard=shard.told,
                deaths=self.deaths[shard.number],
                why=why,
            )
        self.waiting.appendleft(shard)

    def _require_any(self) -> None:
        """Give up where no worker has a place, and none has had one for too long."""
        now = time.monotonic()
        if self._placed() or not self.asked:
            self.last = now
        elif now - self.last > self.patience:
            raise self.workers.too_few(now - self.last)
