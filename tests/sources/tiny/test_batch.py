"""Windows of text: what is asked in them, and where they begin."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest

pytest.importorskip("torch")

from attnviz.sources.tiny.batch import cut
from attnviz.sources.tiny.plan import Plan
from attnviz.sources.tiny.pool import UNKNOWN, drawn_pool
from attnviz.sources.tiny.words import VOCABULARY

PLAN = Plan(windows=8, length=20)
POSITIONS = 64


@pytest.fixture(scope="module")
def pool():
    return drawn_pool("learning", 200)


def test_a_batch_asks_for_the_word_after_each(pool):
    batch = cut(pool, PLAN, numpy.random.default_rng(0), POSITIONS)
    words = [pool.words[place] for place in batch.tokens[0]]
    for place in range(19):
        target = batch.targets[0, place]
        assert words[place + 1] == VOCABULARY[target] if target != UNKNOWN else words[place + 1] not in VOCABULARY


def test_half_of_the_windows_begin_at_the_first_position_and_all_positions_are_seen(pool):
    plan = replace(PLAN, windows=4000)
    first = cut(pool, plan, numpy.random.default_rng(0), POSITIONS).first
    assert 0.45 < (first == 0).float().mean() < 0.56
    assert int(first.max()) + plan.length == POSITIONS
