"""Sentences as arrays."""

from __future__ import annotations

from itertools import islice

import numpy

from attnviz.sources.tiny.grammar import KINDS, Grammar
from attnviz.sources.tiny.letters import spelling
from attnviz.sources.tiny.pool import KIND_IDS, UNKNOWN, drawn_pool
from attnviz.sources.tiny.words import IDS


def test_a_pool_holds_the_grammars_sentences_one_after_the_other():
    pool = drawn_pool("a", 50)
    sentences = list(islice(Grammar("a", 0.3).sentences(), 50))
    tokens = [token for one in sentences for token in one.tokens]
    assert [pool.words[place] for place in pool.stream] == tokens
    assert [list(KINDS)[kind] for kind in pool.kinds] == [one.kind for one in sentences for _ in one.tokens]
    assert numpy.diff(pool.starts).tolist() == [len(one.tokens) for one in sentences[:-1]]
    assert {name: number for number, name in enumerate(KINDS)} == KIND_IDS


def test_what_is_asked_is_what_the_relations_ask():
    pool = drawn_pool("a", 50)
    asked, begin = set(), 0
    for one in islice(Grammar("a", 0.3).sentences(), 50):
        asked |= {begin + relation.question for relation in one.relations}
        begin += len(one.tokens)
    assert set(numpy.flatnonzero(pool.asked).tolist()) == asked


def test_words_have_their_ids_and_their_letters():
    pool = drawn_pool("a", 300)
    assert len(set(pool.words)) == len(pool.words) == len(pool.ids) == len(pool.spelled)
    assert [pool.ids[place] for place in range(len(pool.words))] == [IDS.get(word, UNKNOWN) for word in pool.words]
    assert UNKNOWN in pool.ids
    assert tuple(pool.spelled[7]) == spelling(pool.words[7])


def test_windows_begin_where_sentences_do_and_the_next_words_follow():
    pool = drawn_pool("a", 200)
    here, after = pool.windows(numpy.random.default_rng(0), 20, 48)
    assert here.shape == after.shape == (20, 48)
    assert set(here[:, 0]) <= set(pool.starts)
    assert len(set(here[:, 0])) > 5
    assert (after == here + 1).all()
    assert after.max() < len(pool.stream)


def test_the_same_seed_makes_the_same_pool():
    one, same, other = (drawn_pool(seed, 30) for seed in ("a", "a", "b"))
    assert one.words == same.words != other.words
    assert numpy.array_equal(one.stream, same.stream)
