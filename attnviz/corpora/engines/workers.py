"""What an engine offers of its workers, and what these report."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from attnviz.corpora.shards import Shard
from attnviz.errors import AttnvizError


class Placed(NamedTuple):
    """A worker has got its place, and loads the model."""

    worker: int


class Ready(NamedTuple):
    """A worker has loaded the model, and can be given a shard."""

    worker: int


class Done(NamedTuple):
    """A worker has measured its shard; ``content`` is a file of statistics."""

    worker: int
    content: bytes


class Failed(NamedTuple):
    """A worker says what is wrong, with the work and not with one of its texts; it would be so on any other worker."""

    worker: int
    error: Exception


class Gone(NamedTuple):
    """A worker has ended, and nobody asked it to; ``why`` says what is known of it."""

    worker: int
    why: str


Event = Placed | Ready | Done | Failed | Gone


class Workers(Protocol):
    """Workers that an engine starts, gives shards to, and ends. Each has a number, which is never given again."""

    count: int  # how many are wanted

    def start(self) -> int:
        """Ask for one more worker, and say its number; it reports once it is ``Placed``, and again once it is ``Ready``."""

    def give(self, worker: int, shard: Shard) -> None:
        """Let a worker measure ``shard``; it reports when it is ``Done``, or what came instead."""

    def wait(self, seconds: float) -> list[Event]:
        """What was reported, or comes within so many seconds."""

    def close(self) -> None:
        """End all workers, whatever they do."""

    def too_few(self, seconds: float) -> AttnvizError:
        """What to say when for so long no worker has had a place."""
