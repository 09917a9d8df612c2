"""What an actor does, called without Ray."""

from __future__ import annotations

from corpora import TINY, assert_same, corpus, one_pass

from attnviz.analysis.corpus import Statistics
from attnviz.attention import threads
from attnviz.corpora.engines.ray_actor import Measurer
from attnviz.corpora.shards import shards


def test_an_actor_measures_as_a_process_does(monkeypatch):
    monkeypatch.setattr(threads, "_most", None)
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    actor = Measurer(TINY, 1)
    assert actor.place() is None
    actor.load()
    assert_same(Statistics.from_bytes(actor.measure(next(shards(corpus(3)))), ""), one_pass(corpus(3)))
