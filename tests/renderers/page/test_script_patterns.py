"""The strongest pattern of a head, below its card and behind its "?"."""

from __future__ import annotations

import pytest
from random_traces import random_trace

from attnviz import trace_model
from attnviz.analysis.measure import head_metrics
from attnviz.choices import Language
from attnviz.renderers.page.patterns import MEASURED, strongest
from attnviz.text.lessons import lessons

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

TEXT = "the queen met the old king near the house . she saw the king near the house ."


def told(trace, say):
    """What stands below each card, and what it means."""
    for layer in trace.layers:
        values = head_metrics(trace, layer, only=MEASURED)
        for head in range(layer.heads):
            pattern = strongest({metric: float(value[head]) for metric, value in values.items()})
            yield say(f"pattern.{pattern.name}", value=f"{pattern.value:.2f}"), say(f"meaning.{pattern.name}")


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_each_card_says_its_pattern_and_what_it_means(opened, lang):
    trace = trace_model("tiny", TEXT)
    page = opened(trace, lang=lang)
    expected = list(told(trace, lessons(Language(lang)).say))
    assert page.texts(".card .pattern") == [words for words, _ in expected]
    page.page.locator(".ask").nth(5).click()
    assert page.texts(".bubble:not([hidden])") == [expected[5][1]]
    page.press("Escape")
    assert page.texts(".bubble:not([hidden])") == []


def test_the_question_of_a_card_is_asked_by_keyboard(opened):
    page = opened(trace_model("tiny", TEXT), width=390)
    page.page.locator(".card").nth(3).focus()
    page.press("Tab", "Enter")
    bubble = page.page.locator(".bubble:not([hidden])")
    assert bubble.count() == 1
    box = bubble.bounding_box()
    assert 0 <= box["x"] < box["x"] + box["width"] <= 390
    page.press("Tab")
    assert bubble.count() == 0


def test_of_many_heads_the_enlarged_one_says_it(opened):
    trace = random_trace(5, 6, 8, 4, causal=True)
    page = opened(trace)
    page.page.locator(".card").nth(7).hover()
    words, meaning = list(told(trace, lessons().say))[7]
    page.until("document.querySelector('.enlarged .pattern')")
    assert page.texts(".enlarged .pattern") == [words]
    assert page.texts(".enlarged .pattern + .quiet") == [meaning]
    assert page.texts(".ask") == []
