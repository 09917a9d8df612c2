"""What a worker of a Ray cluster does: the same as a worker process, called by methods."""

from __future__ import annotations

from attnviz.corpora.engines.stillness import Stillness
from attnviz.corpora.shards import Shard
from attnviz.corpora.work import Measure, Work


class Measurer:
    """An actor that loads the model once and measures one shard after the other."""

    def __init__(self, work: Work, threads: int) -> None:
        self.work, self.threads = work, threads
        self.worker: Measure | None = None

    def place(self) -> None:
        """Answers as soon as the actor has a place in the cluster."""

    def load(self) -> None:
        """Load the model."""
        from attnviz.attention.threads import limit_processors

        limit_processors(self.threads)
        self.stillness = Stillness()
        with self.stillness.watched():
            self.worker = self.work.worker()

    def measure(self, shard: Shard) -> bytes:
        """The statistics of ``shard``, as a file."""
        assert self.worker is not None
        with self.stillness.watched():
            return self.worker(shard.texts).to_bytes()
