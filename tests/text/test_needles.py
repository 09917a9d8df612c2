"""The script of needles: every one is where it is said to be, and nowhere else."""

from __future__ import annotations

import pytest

from attnviz import AttnvizError
from attnviz.choices import NEEDLES_LIMITS
from attnviz.text.needles import Needle, haystack, needles, planted


def test_there_are_as_many_as_may_be_asked_for_and_none_tells_another():
    assert len(needles()) == NEEDLES_LIMITS.max
    for needle in needles():
        assert needle.cue not in haystack()
        assert needle.answer not in haystack()
        assert sum(needle.answer in one.answer for one in needles()) == 1


@pytest.mark.parametrize("depth", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("words", [10, 100, 500])
def test_a_needle_stands_once_at_its_depth_and_its_cue_at_the_end(depth, words):
    needle = needles()[1]
    made = planted(needle, haystack(), words, depth)
    begin, end = made.answer
    assert made.text[begin:end] == needle.answer
    assert made.text.count(needle.answer) == 1
    assert made.text.count(needle.cue) == 2
    assert made.text.endswith(f"\n\n{needle.cue}")
    assert words <= made.words < words + 25  # to the end of a sentence
    before = len(made.text[: begin - len(needle.cue) - 1].split())
    assert before / made.words == pytest.approx(depth, abs=15 / made.words + 0.01)


def test_a_text_of_ones_own_is_cut_at_its_sentences():
    made = planted(Needle("The cat is", "blue"), "One two. Three four! Five six? Seven.", 4, 0.5)
    assert made.text == "One two. The cat is blue. Three four!\n\nThe cat is"


@pytest.mark.parametrize("text", ["Too short.", "  "])
def test_a_text_that_is_too_short_is_told(text):
    with pytest.raises(AttnvizError, match=r"has [02] words, and 30 are asked for"):
        planted(needles()[0], text, 30, 0.5)
