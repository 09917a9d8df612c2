"""Which tokens are joined to words, what these are called, and what is known of them."""

from __future__ import annotations

import pytest

from attnviz.analysis.word_groups import groups_of, joined_facts, names
from attnviz.trace.token_facts import NO_FACTS, TokenFacts


@pytest.mark.parametrize(
    ("words", "starts"),
    [
        ((None, 0, 0, 1, None), [0, 1, 3, 4]),
        ((None, None, 0), [0, 1, 2]),
        ((0, 0, 0), [0]),
        ((0, 1, 0), [0, 1, 2]),
        ((), [0, 1, 2]),
        ((0, 0), [0, 1, 2]),  # of another number of tokens
    ],
)
def test_a_group_is_a_run_of_tokens_of_one_word(words, starts):
    groups = groups_of(words, len(words) if len(words) > 2 else 3)
    assert groups.starts.tolist() == starts
    assert groups.sizes.sum() == groups.tokens
    assert [place for own in groups.ranges for place in own] == list(range(groups.tokens))


@pytest.mark.parametrize(
    ("tokens", "facts", "texts", "named"),
    [
        (("Jour", "ney"), TokenFacts((0, 0), ((0, 4), (4, 7)), ("jour", "##ney")), ("Journey x", ""), "Journey"),
        (("jour", "##ney"), TokenFacts((0, 0)), ("", ""), "journey"),
        (("Ġjour", "ney"), TokenFacts((0, 0)), (), "journey"),
        ((" ", "x"), TokenFacts((0, 0), (None, (2, 3)), (" ", "x")), ("a x", ""), "x"),
        (("世(1/2)", "世(2/2)"), TokenFacts((0, 0), texts=("<0xE4><0xB8>", "<0x96>")), ("", ""), "世"),
        (("世(1/2)", "(2/2)"), TokenFacts((0, 0)), (), "世"),
        (("B:jour", "B:ney"), TokenFacts((0, 0), ((2, 6), (6, 9)), segments=(1, 1)), ("", "a journey"), "B:journey"),
        (("A:x", "A:y"), TokenFacts((0, 0), segments=(0, 0)), ("", ""), "A:xy"),
        (("a", "b"), TokenFacts((0, 0), ((0, 4), (4, 70)), ("a", "b")), ("too short", ""), "ab"),
        ((" ", " "), TokenFacts((0, 0), texts=(" ", " ")), ("", ""), " "),
    ],
)
def test_a_word_is_called_what_it_is_in_the_text(tokens, facts, texts, named):
    assert names(tokens, facts, groups_of((0, 0), 2), texts) == (named,)


def test_a_token_by_itself_keeps_its_label():
    assert names((" John", "[CLS]"), NO_FACTS, groups_of((), 2), ("x", "")) == (" John", "[CLS]")


def test_facts_of_words_are_those_of_their_tokens():
    facts = TokenFacts(
        (None, 0, 0, 1, None),
        (None, (0, 4), (4, 7), None, None),
        ("[CLS]", " jour", "##ney", "<0xE4><0xB8><0x96>", "<image>"),
        (None, 0, 0, 1, None),
    )
    joined = joined_facts(facts, {0})
    assert joined.words == (None, 0, 1, 2)  # what is of no word, but not special, is one
    assert joined.spans == (None, (0, 7), None, None)
    assert joined.texts == ("[CLS]", " journey", "世", "<image>")
    assert joined.segments == (None, 0, 1, None)


def test_nothing_follows_from_nothing():
    assert joined_facts(NO_FACTS, ()) == NO_FACTS
    assert joined_facts(TokenFacts((0,)), ()) == TokenFacts((0,))
