"""Shards measured one after the other, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator

from attnviz.corpora.engines.dispatch import Results, Told, no_one
from attnviz.corpora.shards import Shard
from attnviz.corpora.work import Work

WAITING = 0.05  # seconds between looks for the next shard


def in_this_process(work: Work, shards: Iterator[Shard | None], told: Told = no_one) -> Results:
    """Each shard with its statistics, in their order. The model is loaded when the first shard comes."""
    worker = None
    for shard in shards:
        if shard is None:  # it has not come yet
            time.sleep(WAITING)
            continue
        worker = worker or work.worker()
        told(1, 0)
        yield shard, worker(shard.texts).to_bytes()
