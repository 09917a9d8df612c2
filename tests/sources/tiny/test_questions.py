"""The questions by which roles are found: fresh, the same for the same seed, and of words that training never shows."""

from __future__ import annotations

import pytest

from attnviz.analysis.roles import find_roles
from attnviz.sources.tiny.model import TinyModel
from attnviz.sources.tiny.questions import EXAMPLES, TinyAnswering, drawn_cases, questions
from attnviz.sources.tiny.words import IDS, is_unseen
from attnviz.trace.asking import ROLES
from tests.support.tiny_weights import drawn_weights


def test_each_role_has_as_many_questions_as_are_asked_for():
    drawn = drawn_cases(30, 1)
    assert list(drawn) == list(ROLES)
    for role, cases in drawn.items():
        assert [case.role for case in cases] == [role] * 30


def test_the_same_seed_draws_the_same_and_another_others():
    assert drawn_cases(30, 1) == drawn_cases(30, 1)
    one, other = drawn_cases(30, 1), drawn_cases(30, 2)
    assert all(one[role] != other[role] for role in ROLES)


def test_fewer_questions_are_the_first_of_more():
    few, many = drawn_cases(5, 3), drawn_cases(20, 3)
    assert all(few[role] == many[role][:5] for role in ROLES)


def test_made_up_words_are_among_them_and_training_shows_none():
    words = {token for cases in drawn_cases(60, 0).values() for case in cases for token in case.tokens}
    singulars = {word for word in words - IDS.keys() if word + "s" in words or is_unseen(word)}
    assert len(singulars) > 20
    without = {token for cases in drawn_cases(60, 0, 0.0).values() for case in cases for token in case.tokens}
    assert without <= IDS.keys()


@pytest.mark.parametrize("role", ROLES)
def test_a_case_and_its_pair_differ_in_the_true_word_alone(role):
    for case in (*drawn_cases(50, 0)[role], EXAMPLES[role]):
        differing = [place for place, (a, b) in enumerate(zip(case.tokens, case.pair, strict=True)) if a != b]
        assert differing == [case.true]
        assert case.answer != case.other_answer
        assert case.true < len(case.tokens)


def test_the_word_before_a_link_is_asked_for_in_a_longer_text():
    """A link and a word alone are a text that training has shown, and hold no other word that could be said again."""
    for case in drawn_cases(50, 0)["position"]:
        assert case.hard
        assert "." in case.tokens[: case.true]
    assert len({case.tokens for case in drawn_cases(300, 0)["position"]}) == 300


def test_the_sentence_that_is_shown_is_among_what_is_asked_for():
    asked = questions(3, 4)
    assert (asked.seed, asked.examples, asked.cases) == (4, EXAMPLES, drawn_cases(3, 4))


def test_the_model_in_the_package_can_be_asked():
    answering = TinyAnswering()
    assert (answering.name, answering.predicts) == ("tiny", True)
    layers, heads = answering.shape
    asked = answering.ask(questions(4, 0).cases["syntax"])
    assert asked.looks().shape == (layers, heads, 4)


def test_a_model_of_other_weights_is_judged_by_them():
    """Nobody trained these: no role is proved."""
    found = find_roles(TinyAnswering(TinyModel(drawn_weights(positions=64).astype("float32"))), questions(12, 0))
    assert found.heads == 6
    assert "proved" not in {one.verdict for one in found.roles}
