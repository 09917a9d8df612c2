"""The whole way and the slider in Chromium, Firefox and WebKit, with a real pointer and with the keyboard alone."""

from __future__ import annotations

import numpy
import pytest
from random_traces import projected_trace
from ways_of_traces import VECTOR_NUMBERS, is_known, rows_of, stages_of

from attnviz import generate, trace_model, trace_text
from attnviz.renderers.shared import numbers
from attnviz.text.lessons import lessons
from attnviz.trace.steps import Head

pytestmark = pytest.mark.slow
WIDE = (1440, 900)
MADE = {
    "toy": lambda: trace_text("the cat saw the dog", heads=4, causal=True),
    "grouped": projected_trace,
    "tiny": lambda: trace_model("tiny", "the queen met the actor . she"),
}
FIVE = ("scores", "scaled", "masked", "weights", "output")


@pytest.fixture(autouse=True)
def silent(window):
    """No browser has anything to complain of."""
    yield
    assert window.problems() == []


@pytest.mark.parametrize("kind", [*MADE, "captured"])
def test_the_way_from_x_to_w_o(window, written, several, kind):
    """There with the arrow keys, back with the pointer: each step that is known, and each of its numbers."""
    trace = MADE[kind]() if kind in MADE else several
    stages = stages_of(trace)
    known = [stage for stage in stages if is_known(trace, stage)]
    window.resize(*WIDE)
    window.open(written(trace), view="steps", head=0)
    window.click_on(".stage[aria-current]")
    for place, stage in enumerate(known):
        if place:
            window.keys("ArrowRight")
        check(window, trace, stage)
    window.keys("ArrowRight")
    check(window, trace, known[-1])
    for stage in reversed(stages):
        window.click_on(".stage", stages.index(stage))
        check(window, trace, stage)


def check(window, trace, stage):
    assert window.texts(".story h2") == [lessons().say(f"title.{stage}")]
    if not is_known(trace, stage):
        assert window.texts(".vectors .vector") == []
    elif stage in FIVE[:-1]:
        row = getattr(trace.layers[0].steps(0), stage)[-1][None]
        seen = numpy.zeros(row.shape, bool)
        [words] = numbers.weights(row, seen, 4) if stage == "weights" else numbers.cells(row, 4)
        assert window.texts(".row .mark") == words  # the last query sees all
    elif stage == "contribution":
        assert window.texts(".row .mark") == numbers.cells(Head(trace.layers[0], 0).contribution[-1:], 4)[0]
    elif stage == "output":
        assert window.texts(".total .vector") == [numbers.vector(trace.layers[0].steps(0).output[-1], 4)]
    else:
        expected = [numbers.vector(row, 4, most=VECTOR_NUMBERS) for row in rows_of(trace, 0, 0, stage)]
        assert window.texts(".vectors .vector") == expected, stage


def test_the_slider_shows_the_rows_up_to_its_position(window, written):
    trace = generate("tiny", "the queen met the actor . she", 4)
    window.resize(*WIDE)
    window.open(written(trace), view="text")
    assert window.texts("#panel .word") == list(trace.tokens)
    window.evaluate("document.getElementById('upto').focus()")
    for position in (8, 7, 6):
        window.keys("ArrowLeft")
        assert window.texts("#panel .word") == list(trace.tokens[: position + 1])
        assert window.texts(".likely .came .chip") == [trace.tokens[position + 1]]
    window.click_on(".unfold [aria-label='One token on']")
    assert window.texts("#panel .word") == list(trace.tokens[:8])
    assert window.texts(".so-far .newest") == [trace.tokens[7]]


def test_two_maps_side_by_side(window, written, several):
    window.resize(*WIDE)
    window.open(written(several), view="matrix", layer=1, head=2)
    window.click_on("#control-beside")
    window.evaluate("document.getElementById('other-map').focus()")
    window.keys("ArrowRight", "ArrowRight")
    values = [several.layers[1].steps(head).weights[6, 1] for head in (2, 3)]
    left, right, apart = (numbers.number(value, 4) for value in (*values, values[0] - values[1]))
    said = f"ran with the @1: {left} in the first map, {right} in the second; difference {apart}."
    assert window.text("#readout") == said
    window.evaluate("document.getElementById('difference-map').focus()")
    window.keys("ArrowUp", "ArrowDown")
    assert window.text("#readout") == said
