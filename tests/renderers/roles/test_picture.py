"""What the picture of the roles says, decided before it is drawn."""

from __future__ import annotations

import pytest
from made_roles import made_role, made_roles, share

from attnviz import AttnvizError
from attnviz.choices import Language
from attnviz.renderers.roles.picture import decide
from attnviz.text.lessons import lessons
from attnviz.trace.roles import Example

DOGS = Example(("the", "dogs", "near", "the", "tree"), 1, "are", (0.001, 0.9, 0.03, 0.06, 0.009))
ENGLISH = lessons()


def strip_of(found, language=Language.EN):
    [strip] = decide(made_roles(found), lessons(language)).strips
    return strip


def test_a_strip_says_who_looks_where_and_what_follows():
    strip = strip_of(made_role(example=DOGS))
    assert strip.title == "syntax · layer 1, head 0 · proved"
    assert strip.lines == (
        "looks there in 99 % of the questions (best fixed distance: 36 %)",
        "right answers: 99.8 %, without this head 50 %",
    )
    assert [tile.word for tile in strip.tiles] == list(DOGS.tokens)
    assert [tile.number for tile in strip.tiles] == ["< 0.01", "0.90", "0.03", "0.06", "0.01"]
    assert (strip.true, strip.most, strip.answer) == (1, 1, "are")


def test_the_word_that_is_looked_at_need_not_be_the_true_one():
    strip = strip_of(made_role(example=DOGS._replace(true=4)))
    assert (strip.true, strip.most) == (4, 1)


def test_of_position_no_offset_is_told_and_without_answers_no_answers():
    found = made_role("position", example=DOGS, accuracy=None)
    assert strip_of(found).lines == ("looks there in 99 % of the questions",)


def test_words_are_those_of_the_language():
    assert strip_of(made_role(example=DOGS), Language.VI).title == "cú pháp · lớp 1, đầu 0 · đã chứng minh"
    assert (
        decide(made_roles(made_role(example=DOGS)), lessons(Language.VI)).title
        == "made: mỗi đầu attention đảm nhận việc gì"
    )


def test_roles_without_a_sentence_are_left_out():
    assert len(decide(made_roles(made_role(example=DOGS), made_role("meaning")), ENGLISH).strips) == 1
    with pytest.raises(AttnvizError, match="no role has a sentence"):
        decide(made_roles(), ENGLISH)


def test_hostile_words_are_short_and_written_out():
    hostile = Example(("\x1b[31m", "x" * 99, "$a$"), 0, "\n", (0.0, 1.0, 0.0))
    picture = decide(made_roles(made_role(example=hostile, hits=share(0.5)), model="m\x1b" * 99), ENGLISH)
    [strip] = picture.strips
    assert [tile.word for tile in strip.tiles] == ["\\x1b[31m", "x" * 17 + "…", "$a$"]
    assert [tile.number for tile in strip.tiles] == ["0.00", "1.00", "0.00"]
    assert "\x1b" not in "".join(picture.texts)
    assert len(picture.title) < 80


def test_all_that_is_written_is_known_for_its_fonts():
    picture = decide(made_roles(made_role(example=DOGS)), ENGLISH)
    assert {"dogs", "are", picture.title, picture.subtitle, picture.strips[0].title} <= set(picture.texts)
