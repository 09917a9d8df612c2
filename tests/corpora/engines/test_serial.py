"""Shards in this process: the model is loaded once, and only where there is something to read."""

from __future__ import annotations

from corpora import TINY, corpus

from attnviz.corpora.engines.serial import in_this_process
from attnviz.corpora.job import Job
from attnviz.corpora.shards import shards


def test_the_model_is_loaded_once_for_all_shards(monkeypatch):
    made, told = [], []
    worker = Job.worker
    monkeypatch.setattr(Job, "worker", lambda job: made.append(job) or worker(job))
    results = in_this_process(TINY, shards(corpus(5), 2), lambda *counts: told.append(counts))
    assert ([shard.number for shard, _ in results], made, told) == ([0, 1, 2], [TINY], [(1, 0)] * 3)


def test_without_texts_nothing_is_loaded(monkeypatch):
    monkeypatch.setattr(Job, "worker", None)
    assert list(in_this_process(TINY, shards([]))) == []


def test_a_shard_that_has_not_come_is_waited_for():
    (shard,) = shards(corpus(1))
    assert [done.number for done, _ in in_this_process(TINY, iter([None, shard, None]))] == [0]
