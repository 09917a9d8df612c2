"""Chapter 9: the mean weight on the word before, counted by hand."""

import numpy
import pytest

from attnviz import roles, trace_model
from attnviz.api.learn import CASES


@pytest.mark.parametrize("text", ["Your journey starts with one step", "we learn word by"])
def test_the_weight_on_the_word_before_is_the_mean_of_a_diagonal(block, numbers, text):
    _, table, most = block("your-own-model", "previous", text=text)
    values = numpy.array(numbers(table))
    for layer in trace_model("tiny", text).layers:
        for head in range(layer.heads):
            diagonal = numpy.diagonal(numpy.asarray(layer.steps(head).weights), offset=-1)
            assert values[layer.index, head] == pytest.approx(diagonal.mean(), abs=1e-4)
    layer, head = numpy.unravel_index(values.argmax(), values.shape)
    assert most == f"Head {head} of layer {layer}, with {values.max():.2f}."


def test_of_a_single_word_there_is_no_word_before(block, numbers):
    _, table, nothing = block("your-own-model", "previous", text="dog")
    assert not numpy.array(numbers(table)).any()
    assert nothing == "No head looks at a word before here, so there is no candidate."
    [proof] = block("your-own-model", "proof", text="dog")
    assert proof.startswith("A mean over one sentence is no proof.")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [("we learn word by", "position (proved)"), ("Your journey starts with one step", "it has no role")],
)
def test_what_roles_says_of_that_head(block, text, verdict):
    candidate, why, *other = block("your-own-model", "proof", text=text)
    assert candidate.endswith(f": {verdict}.")
    assert why.startswith("A mean over one sentence is no proof.")
    assert bool(other) == (verdict != "position (proved)")


def test_where_another_head_wins_the_head_of_position_is_named_with_what_it_has(block, numbers):
    *_, other = block("your-own-model", "proof")
    position = next(one for one in roles(cases=CASES).roles if one.role == "position")
    weight = numbers(block("your-own-model", "previous")[1])[position.layer][position.head]
    assert f"that is head {position.head} of layer {position.layer}, which here has {weight:.2f}." in other


def test_the_question_shows_the_sentence_on_one_line(block):
    [question] = block("your-own-model", "question", text="a\nb " + "word " * 30)
    assert "a\\nb word" in question
    assert "…" in question
