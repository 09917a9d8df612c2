"""learn() of Python."""

from __future__ import annotations

import pytest

from attnviz import AttnvizError, learn
from attnviz.api.learn import CASES, ComputedMaterial
from attnviz.cli.options.learn import CourseOptions
from attnviz.text.lessons import lessons


def test_a_chapter_prints_with_the_reader_s_sentence():
    lesson = learn(5, text="em yêu anh", language="vi")
    assert str(lesson).startswith("5 · Self-attention đơn giản\n")
    assert "`anh`" in str(lesson["question"])


def test_the_sentence_is_the_textbook_s_where_none_is_given():
    assert str(learn(1)) == str(learn(1, text="Your journey starts with one step", language=CourseOptions.lang))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"chapter": 0}, "chapter is 0: expected a whole number from 1 to 9"),
        ({"chapter": "softmax"}, "chapter is 'softmax': expected a whole number"),
        ({"text": 3}, "text is 3: expected a text"),
        ({"text": " "}, "the text holds only white space"),
        ({"text": "a " * 65}, "the text has 65 words: the course takes up to 64"),
        ({"language": "fr"}, "language is 'fr': expected one of en, vi"),
    ],
)
def test_what_it_does_not_take_is_told(given, message):
    with pytest.raises(AttnvizError, match=message):
        learn(**{"chapter": 1} | given)


def test_what_the_chapters_compute_with():
    material = ComputedMaterial("a b", lessons())
    assert material.toy().tokens == ("a", "b")
    assert material.toy("c", causal=True).layers[0].rule.causal
    assert material.read("the dog").tokens == ("the", "dog")
    assert len(material.written("the dog", 2).generation.chosen) == 2
    assert material.roles().cases == CASES
    assert material.roles() is ComputedMaterial("c", lessons()).roles()
