"""What a person should know of a text."""

from __future__ import annotations

from attnviz.sources.tiny.model import Words
from attnviz.sources.tiny.notices import NAMED, Spelled, spelled_notice


def test_words_that_it_does_not_know_are_counted_and_named_once():
    words = Words(("the", "wug", "met", "a\x1b", "wug"), (3, -1, 4, -1, -1))
    assert spelled_notice(words) == (
        "the tiny model reads 3 of 5 words by their letters (wug, a\\x1b); "
        "its heads' roles are measured on its own grammar alone"
    )


def test_a_mark_has_no_letters():
    assert spelled_notice(Words(("dog", "!", "…"), (3, -1, -1))) is None


def test_where_it_knows_each_word_nothing_is_said():
    assert spelled_notice(Words(("the", "dog"), (3, 4))) is None


def test_many_texts_are_counted_together_and_not_all_of_their_words_kept():
    spelled = Spelled()
    assert spelled.notice() is None
    for number in range(10 * NAMED):
        spelled.add(Words(("the", f"wug{number}"), (3, -1)))
    assert spelled.notice().startswith("the tiny model reads 1,000 of 2,000 words by their letters (wug0, ")
    assert len(spelled._named) <= NAMED
