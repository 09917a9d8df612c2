"""Chapter 1: the textbook's numbers, and those of a sentence by another way."""

import math

import numpy
import pytest

from attnviz.renderers.course.computed.dot_product import angle


def test_the_textbook_s_examples_are_4_and_14(block):
    [table] = block("dot-product", "worked")
    assert [row[1] for row in table.cells] == ["4", "14", "0"]
    assert table.cells[0] == ["1×2 + 2×1", "4", "36.9°"]
    assert math.cos(math.radians(36.9)) == pytest.approx(4 / 5, abs=1e-3)  # 4 = √5 · √5 · cos
    assert [row[2] for row in table.cells[1:]] == ["0.0°", "90.0°"]


def test_the_question_is_about_the_third_word_or_the_last(block):
    assert block("dot-product", "question") == ("Which word has the largest dot product with `starts`?",)
    assert "`b`?" in block("dot-product", "question", text="a b")[0]


def test_one_word_meets_each(block):
    table, most, same, _ = block("dot-product", "against")
    [vectors] = block("dot-product", "vectors")
    given = numpy.array(vectors.cells, float)
    assert [float(row[1]) for row in table.cells] == pytest.approx((given @ given[2]).tolist(), abs=1e-4)
    assert most == "The largest is 1.25, with `journey`, `starts`."
    assert same.startswith("`journey`, `starts` have one and the same made-up vector, [0.5 0.8 0.6]")
    for row, vector in zip(table.cells, given, strict=True):
        cosine = given[2] @ vector / math.hypot(*given[2]) / math.hypot(*vector)
        assert float(row[2].removesuffix("°")) == pytest.approx(math.degrees(math.acos(min(cosine, 1))), abs=0.06)
        assert eval(row[0].replace("×", "*")) == pytest.approx(float(row[1]))


def test_a_longer_vector_may_beat_the_word_itself(block):
    _, most, _ = block("dot-product", "against", text="a b Your one")
    assert most == "The largest is 0.81, with `Your`."


def test_a_vector_without_a_direction_has_no_angle():
    assert angle(numpy.zeros(2), numpy.ones(2)) == "–"


@pytest.mark.parametrize("text", ["the cat and the cat", "hello", "Your cat starts"])
def test_nothing_is_said_of_alike_vectors_where_no_two_words_have_them(block, text):
    assert len(block("dot-product", "against", text=text)) == 3


def test_a_word_said_twice_is_named_once(block):
    _, _, same, _ = block("dot-product", "against", text="starts and starts the journey", language="vi")
    assert same.startswith("`starts`, `journey` cùng là [0.5 0.8 0.6]")
