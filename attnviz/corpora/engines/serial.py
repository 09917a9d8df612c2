"""Shards measured one after the other, in this process."""

from __future__ import annotations

from collections.abc import Iterator

from attnviz.corpora.engines.dispatch import Results, Told, no_one
from attnviz.corpora.shards import Shard
from attnviz.corpora.work import Work


def in_this_process(work: Work, shards: Iterator[Shard], told: Told = no_one) -> Results:
    """Each shard with its statistics, in their order. The model is loaded when the first shard comes."""
    worker = None
    for shard in shards:
        worker = worker or work.worker()
        told(1)
        yield shard, worker(shard.texts).to_bytes()
