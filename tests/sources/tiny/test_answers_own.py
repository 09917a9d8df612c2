"""Sentences by hand that training has never seen: answered right, and by the head whose role it is."""

from __future__ import annotations

from collections import Counter

import numpy
import pytest
from own_sentences import ENGLISH, LOOKED_AT, MADE_UP, OWN

from attnviz.sources.tiny.answers import Answers
from attnviz.sources.tiny.evidence import known_roles
from attnviz.sources.tiny.model import TinyModel
from attnviz.sources.tiny.words import IDS, is_unseen, plural
from attnviz.trace.asking import ROLES, Case

LEAST = 0.9


@pytest.fixture(scope="module")
def model():
    return TinyModel.load("float32")


@pytest.fixture(scope="module")
def heads(model):
    """The head of each role, as the report beside the weights has it."""
    return {one.role: (one.layer, one.head) for one in known_roles(model)}


def put(model, role, sentences):
    """The sentences as cases; nothing is asked of a pair here."""
    return Answers(model, [Case(role, one.tokens, one.answer, one.true, one.tokens, "", True) for one in sentences])


def looked_at(role):
    """The sentences in which the role's head has to look at the word that decides."""
    return [*OWN[role], *(LOOKED_AT if role == "position" else ())]


def unknown():
    """The words that the model spells by their letters."""
    return {token for role in ROLES for one in looked_at(role) for token in one.tokens} - IDS.keys()


@pytest.mark.parametrize("role", ROLES)
def test_there_are_sixty_of_each_role_and_made_up_words_among_them(role):
    sentences = OWN[role]
    assert len({one.tokens for one in sentences}) == len(sentences) == 60
    assert all(one.answer in IDS for one in sentences)
    assert sum(not IDS.keys() >= set(one.tokens) for one in looked_at(role)) >= 10


def test_no_made_up_word_of_them_is_one_that_training_may_draw():
    assert {"wug", "blick", "dax", "toma", "fep", "zorp", "glorp", "snark"} <= set(MADE_UP)
    assert [word for word in MADE_UP if not is_unseen(word) or {word, plural(word)} & IDS.keys()] == []


def test_every_word_that_the_model_does_not_know_is_listed_as_made_up_or_english():
    forms = [{word, plural(word)} for word in (*MADE_UP, *ENGLISH)]
    assert unknown() <= set().union(*forms)
    assert all(unknown() & each for each in forms)


@pytest.mark.parametrize("role", ROLES)
def test_nine_of_ten_are_answered_right(model, role):
    right = put(model, role, OWN[role]).right()
    wrong = [one.tokens for one, is_right in zip(OWN[role], right, strict=True) if not is_right]
    assert len(wrong) <= (1 - LEAST) * len(OWN[role]), wrong


@pytest.mark.parametrize("role", ROLES)
def test_in_nine_of_ten_the_roles_head_looks_at_the_word_that_decides(model, heads, role):
    sentences = looked_at(role)
    hits = put(model, role, sentences).looks()[heads[role]]
    missed = [one.tokens for one, hit in zip(sentences, hits, strict=True) if not hit]
    assert len(missed) <= (1 - LEAST) * len(sentences), missed


@pytest.mark.parametrize("role", ROLES)
def test_no_fixed_offset_would_do(role):
    """But for position, which is one."""
    offsets = Counter(len(one.tokens) - 1 - one.true for one in OWN[role])
    best = max(offsets.values()) / len(OWN[role])
    assert (best == 1.0) == (role == "position")
    assert role == "position" or best < 0.5


@pytest.mark.parametrize("role", ROLES)
def test_another_head_does_not_look_there(model, heads, role):
    """So the test above can fail."""
    hits = put(model, role, OWN[role]).looks().mean(axis=-1)
    others = [hits[head] for head in numpy.ndindex(hits.shape) if head != heads[role]]
    assert min(others) < 0.5
