"""The words of the tiny model's language."""

from __future__ import annotations

import random

import pytest

from attnviz.sources.tiny.words import (
    DOERS,
    HE,
    IDS,
    NOUNS,
    SHE,
    UNSEEN,
    VOCABULARY,
    is_unseen,
    made_up,
    plural,
)


def test_the_vocabulary_is_of_the_size_that_was_planned_and_holds_each_word_once():
    assert 150 <= len(VOCABULARY) <= 400
    assert len(set(VOCABULARY)) == len(VOCABULARY)
    assert [IDS[word] for word in VOCABULARY] == list(range(len(VOCABULARY)))
    assert all(word == word.casefold() for word in VOCABULARY)


def test_the_textbooks_people_are_there():
    assert {"king", "man", "boy", "father"} <= {noun.one for noun in HE}
    assert {"queen", "woman", "girl", "mother"} <= {noun.one for noun in SHE}


def test_each_has_a_deed_of_its_own():
    deeds = [deed for noun in DOERS for deed in (noun.deed, noun.deeds)]
    assert all(deeds)
    assert len(set(deeds)) == len(deeds)
    others = {word for noun in NOUNS for word in (noun.one, noun.many)}
    assert others.isdisjoint(deeds)  # else a list of nouns would say what somebody does


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("wug", "wugs"),
        ("box", "boxes"),
        ("bliss", "blisses"),
        ("dash", "dashes"),
        ("itch", "itches"),
        ("story", "stories"),
        ("day", "days"),
        ("toma", "tomas"),
    ],
)
def test_regular_plurals(one, many):
    assert plural(one) == many


def test_the_nouns_of_the_vocabulary_have_their_regular_plurals_but_for_men_and_women():
    assert {noun.one for noun in NOUNS if noun.many != plural(noun.one)} == {"man", "woman"}


def test_made_up_words_can_be_pronounced_and_are_no_words_here():
    draw = random.Random(1)
    words = [made_up(draw) for _ in range(2000)]
    assert len({word.one for word in words}) > 1000
    for word in words:
        assert word.one not in IDS
        assert word.many not in IDS
        assert word.many == plural(word.one)
        assert set(word.one) & set("aeiou")
        assert word.one.isalpha()


def test_words_that_training_never_shows_are_others():
    seen = {made_up(random.Random(f"{number}")).one for number in range(3000)}
    unseen = {made_up(random.Random(f"{number}"), unseen=True).one for number in range(300)}
    assert seen.isdisjoint(unseen)
    assert seen.isdisjoint(UNSEEN)
    assert all(map(is_unseen, unseen))


def test_the_same_seed_makes_the_same_word():
    assert made_up(random.Random(5)) == made_up(random.Random(5))
    assert made_up(random.Random(5)) != made_up(random.Random(6))
