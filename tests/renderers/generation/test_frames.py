"""The frames of a generation, as data."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Rule, Trace
from attnviz.analysis.reading import Reader
from attnviz.renderers.generation.frames import Bar, frames
from attnviz.text.lessons import lessons
from attnviz.trace.generation import Generation

LAYERS = tuple(
    Layer(*numpy.random.default_rng(index).normal(size=(3, 2, 3, 4)), Rule(causal=True), index) for index in range(3)
)
PREDICTIONS = [(), (("x", 0.6), ("z", 0.3)), (("z", 0.9),)]


def made(reader=None):
    trace = Trace(("a", "b b", "x"), LAYERS, {}, PREDICTIONS, Generation(("x", "odd"), (0.6, 0.05)))
    return list(frames(trace, reader or Reader(), lessons()))


def test_the_text_grows_by_what_was_chosen():
    assert [(frame.words, frame.token) for frame in made()] == [(("a", "b·b"), "x"), (("a", "b·b", "x"), "odd")]


def test_what_may_come_next_is_sorted_and_what_was_chosen_is_marked():
    first, second = made()
    assert first.next.title == "Step 1 of 2: what may come next"
    assert first.next.bars == (Bar("x", 0.6, "60 %", True), Bar("z", 0.3, "30 %"))
    assert second.next.bars == (Bar("z", 0.9, "90 %"), Bar("odd", 0.05, "5 %", True))


def test_four_heads_are_shown_with_what_they_read():
    first, _ = made(Reader(["2", "0"], ["1", "0"]))
    assert [group.title for group in first.heads] == [
        *("layer 0 head 1", "layer 0 head 0", "layer 2 head 1", "layer 2 head 0")
    ]
    weights = LAYERS[0].steps(1).weights[1, :2]
    assert sorted(bar.share for bar in first.heads[0].bars) == pytest.approx(sorted(weights.tolist()))
    assert {bar.label for bar in first.heads[0].bars} == {"a", "b·b"}
    assert len(made()[0].heads) == 3


def test_of_four_heads_there_is_room_for_two_words_each():
    assert [len(group.bars) for group in made(Reader(["0", "1"], ["0", "1"]))[1].heads] == [2] * 4
    assert {len(group.bars) for group in made(Reader(["0", "1"], ["0"]))[1].heads} == {3}
