"""The tiny model's language: what its sentences say of themselves is true."""

from __future__ import annotations

from itertools import islice

import pytest

from attnviz.sources.tiny.grammar import KINDS, PLAIN_KIND, Grammar, Relation, Sentence, case_of
from attnviz.sources.tiny.words import (
    ADJECTIVES,
    DOERS,
    IDS,
    LINKS,
    MEETINGS,
    NOUNS,
    PREPOSITIONS,
    VOCABULARY,
    is_unseen,
    plural,
)
from attnviz.trace.asking import ROLES, Case

ONES = {noun.one for noun in NOUNS}
MANIES = {noun.many for noun in NOUNS}
DEEDS = {noun.one: noun.deed for noun in DOERS} | {noun.many: noun.deeds for noun in DOERS}
PRONOUN = {noun.one: noun.pronoun for noun in NOUNS} | {noun.many: "they" for noun in NOUNS}


def drawn(kind, count=400, **options):
    grammar = Grammar("test", **options)
    return [grammar.sentence(kind) for _ in range(count)]


def is_many(word):
    """Of a known noun, and of a made-up one, whose singular never ends in a single s."""
    return word in MANIES or (word not in IDS and word.endswith("s") and not word.endswith("ss"))


def is_noun(word):
    return word in ONES or word in MANIES or word not in IDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_sentence_ends_with_a_full_stop_and_has_known_words_around_its_nouns(kind):
    for sentence in drawn(kind):
        assert sentence.kind == kind
        assert sentence.tokens[-1] == "."
        assert all(token.isalpha() or token in ".:;" for token in sentence.tokens)


@pytest.mark.parametrize("kind", ROLES)
def test_a_relation_points_back_and_its_pair_answers_otherwise(kind):
    for sentence in drawn(kind):
        for relation in sentence.relations:
            assert 0 <= relation.true <= relation.question < len(sentence.tokens) - 1
            assert relation.other != sentence.tokens[relation.true]
            assert relation.other_answer != sentence.tokens[relation.question + 1]


def test_a_verb_has_the_number_of_the_first_noun_whatever_stands_between():
    attractors = set()
    for sentence in drawn("syntax", 1000):
        subject = next(place for place, token in enumerate(sentence.tokens) if is_noun(token))
        verb = next(place for place, token in enumerate(sentence.tokens) if token in ("is", "are"))
        assert sentence.tokens[verb] == ("are" if is_many(sentence.tokens[subject]) else "is")
        attractors.update(sentence.tokens[subject + 1 : verb])
        between = [token for token in sentence.tokens[subject + 1 : verb] if is_noun(token)]
        assert len(between) <= 2
        assert bool(sentence.relations) == bool(between)
        for relation in sentence.relations:
            assert (relation.question, relation.true) == (verb - 1, subject)
            many = is_many(sentence.tokens[subject])
            assert relation.hard == any(is_many(token) != many for token in between)
            assert relation.other_answer == ("is" if many else "are")
            assert is_many(relation.other) != many
    assert {"queens", "dog", "trees"} <= attractors  # whoever may be a subject may stand in between


def test_a_pronoun_means_the_only_one_whom_it_can_and_says_what_that_one_does():
    for sentence in drawn("meaning", 1000):
        (relation,) = sentence.relations
        pronoun, meant = sentence.tokens[relation.question], sentence.tokens[relation.true]
        assert PRONOUN[meant] == pronoun
        assert sentence.tokens[relation.question + 1] == DEEDS[meant]
        assert PRONOUN[relation.other] == pronoun
        assert relation.other_answer == DEEDS[relation.other]
        others = [token for place, token in enumerate(sentence.tokens[: relation.question]) if place != relation.true]
        for other in filter(is_noun, others):
            assert PRONOUN.get(other, "they" if is_many(other) else "it") != pronoun
        assert relation.hard == any(map(DEEDS.__contains__, others))  # else its deed is the only one there


def test_whom_a_pronoun_means_stands_two_to_fifteen_words_back_first_or_second():
    sentences = drawn("meaning", 2000)
    distances = [one.relations[0].question - one.relations[0].true for one in sentences]
    assert min(distances) == 2
    assert max(distances) >= 15
    verbs = [next(place for place, token in enumerate(one.tokens) if token in MEETINGS) for one in sentences]
    first = [one.relations[0].true < verb for one, verb in zip(sentences, verbs, strict=True)]
    assert 0.4 < sum(first) / len(first) < 0.6
    best = max(map(distances.count, set(distances))) / len(distances)
    assert best < 0.35  # no offset would do


def test_a_list_is_said_again_and_each_word_is_followed_by_what_followed_it():
    for sentence in drawn("copying"):
        tokens = sentence.tokens
        assert tokens[:2] == ("list", ":")
        middle = tokens.index(";")
        words, again = tokens[2:middle], tokens[middle + 1 : -1]
        assert len(set(words)) == len(words) >= 3
        assert words[len(words) - len(again) :] == again
        assert len(again) >= 2
        assert [relation.question for relation in sentence.relations] in (
            [],  # where the other answer would be a made-up word
            [middle + place for place in range(1, len(again)) if again[place] in IDS],
        )
        for relation in sentence.relations:
            assert relation.question > middle
            assert tokens[relation.true - 1] == tokens[relation.question]
            assert tokens[relation.true] == tokens[relation.question + 1]
            assert relation.other not in words
            assert relation.hard == (sum(word in IDS for word in words) > 1)


def test_after_a_link_stands_what_stood_before_it():
    words = set()
    for sentence in drawn("position", 4000):
        (relation,) = sentence.relations
        assert sentence.tokens[relation.question] in LINKS
        assert relation.true == relation.question - 1
        assert sentence.tokens[relation.true] == sentence.tokens[relation.question + 1]
        assert relation.hard == (relation.true > 0)  # else no other word is there
        words.add(sentence.tokens[relation.true])
    assert words >= set(VOCABULARY) - set(LINKS) - set(".:;")


def test_a_plain_sentence_is_the_textbooks():
    sentences = {sentence.tokens for sentence in drawn(PLAIN_KIND, 20000)}
    assert ("your", "journey", "starts", "with", "one", "step", ".") in sentences


@pytest.mark.parametrize("role", ROLES)
def test_a_case_ends_where_the_question_is_asked(role):
    cases = Grammar(1).cases(role, 200, before=2)
    assert len(cases) == 200
    for case in cases:
        assert case.role == role
        assert len(case.pair) == len(case.tokens)
        assert [
            place for place, (one, other) in enumerate(zip(case.tokens, case.pair, strict=True)) if one != other
        ] == [case.true]
        assert case.tokens.count(".") >= 2
    assert all(case.hard for case in cases if role == "position")  # a word of the sentences before could be said again


def test_a_case_of_a_sentence():
    sentence = Sentence("syntax", ("the", "dogs", "near", "the", "tree", "are", "old", "."))
    before = Sentence("position", ("step", "by", "step", "."))
    case = case_of(sentence, Relation(4, 1, "dog", "is", True), [before])
    assert case == Case(
        "syntax",
        ("step", "by", "step", ".", "the", "dogs", "near", "the", "tree"),
        "are",
        5,
        ("step", "by", "step", ".", "the", "dog", "near", "the", "tree"),
        "is",
        True,
    )


def test_the_same_seed_draws_the_same_sentences():
    one, same, other = (list(islice(Grammar(seed).sentences(), 50)) for seed in (3, 3, 4))
    assert one == same
    assert one != other


def test_sentences_of_all_kinds_follow_one_another():
    assert {sentence.kind for sentence in islice(Grammar(0).sentences(), 500)} == set(KINDS)


@pytest.mark.parametrize("unseen", [False, True])
def test_made_up_words_are_those_that_were_asked_for(unseen):
    words = {
        token
        for kind in ROLES
        for sentence in drawn(kind, unseen=unseen, made_up=0.8)
        for token in sentence.tokens
        if token.isalpha() and token not in IDS
    }
    singulars = {word for word in words if not is_many(word)}
    assert len(singulars) > 100
    assert {is_unseen(word) for word in singulars} == {unseen}
    assert all(plural(word) != word for word in singulars)


def test_without_made_up_words_all_are_known():
    assert all(token in IDS for kind in KINDS for one in drawn(kind, made_up=0.0) for token in one.tokens)


def test_adjectives_stand_in_between():
    sentences = drawn("syntax")
    assert any(token in ADJECTIVES for one in sentences for token in one.tokens[3:-2])
    assert any(sum(token in PREPOSITIONS for token in one.tokens) == 2 for one in sentences)
