"""Many texts: those that can be added are, and why others cannot is told by their places."""

from __future__ import annotations

import pytest

from attnviz.analysis.corpus.texts import Texts
from attnviz.api.gathered import gather
from attnviz.errors import AttnvizError, ChoiceError


def gathered(texts):
    statistics = Texts()

    def add(text, _name):
        if isinstance(text, AttnvizError):
            raise text
        statistics.texts += 1

    return statistics, gather(statistics, texts, add)


def test_what_cannot_be_added_is_told_by_its_place():
    statistics, errors = gathered(["a", AttnvizError("no", "yes"), "b"])
    assert (statistics.texts, statistics.skipped) == (2, 1)
    assert {place: (error.message, error.hint) for place, error in errors.items()} == {1: ("text 1: no", "yes")}
    assert [tuple(reason) for reason in statistics.left_out_texts.reasons] == [("no", 1, ("1",))]


def test_where_none_can_be_it_is_the_first_error_or_that_there_are_none():
    with pytest.raises(AttnvizError, match="text 0: no"):
        gathered([AttnvizError("no"), AttnvizError("later")])
    with pytest.raises(AttnvizError, match="there are no texts"):
        gathered([])


def test_what_no_other_text_would_do_better_ends_it():
    with pytest.raises(ChoiceError, match=r"^wrong$"):
        gathered(["a", ChoiceError("wrong"), "b"])


def test_one_text_is_added_by_itself():
    added = []
    assert gather(Texts(), "one text", lambda text, name: added.append((text, name))) == {}
    assert added == [("one text", "0")]


@pytest.mark.parametrize("texts", [5, None])
def test_what_is_neither_a_text_nor_several_is_told(texts):
    with pytest.raises(AttnvizError, match="expected a text, a trace, or a list of them"):
        gather(Texts(), texts, print)
