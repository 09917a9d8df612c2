"""How far a run is, as it is told while it goes on."""

from __future__ import annotations

from corpora import TINY, corpus

from attnviz.corpora.engines.serial import in_this_process
from attnviz.corpora.run import run
from attnviz.corpora.standing import Standing, unwatched


def test_a_run_tells_how_far_it_is_and_needs_nobody_to_hear_it():
    told: list[Standing] = []
    run(TINY, corpus(5), in_this_process, size=2, watch=told.append)
    assert (told[-1].texts, told[-1].shards, told[-1].kept) == (5, 3, 0)
    assert [one.texts for one in told] == sorted(one.texts for one in told)
    assert unwatched(told[-1]) is None
