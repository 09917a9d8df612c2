"""The strongest pattern of a head, below its card and behind its "?"."""

from __future__ import annotations

import numpy
import pytest
from random_traces import random_trace

from attnviz import Trace, generate, trace_model, trace_text, trace_weights
from attnviz.analysis.measure import measure_heads
from attnviz.choices import Language
from attnviz.renderers.page.patterns import MEASURED, strongest
from attnviz.renderers.page.worn import worn_roles
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

TEXT = "the queen met the old king near the house . she saw the king near the house ."


def told(trace, spoken):
    """What stands below each card, and what it means."""
    say = spoken.say
    for layer in trace.layers:
        measured = measure_heads(trace, layer, only=MEASURED)
        worn = worn_roles(trace.roles or (), select(trace, layer=[str(layer.index)]).layers[0], spoken)
        for head in range(layer.heads):
            if head in worn:
                yield worn[head]["looks"], f"{worn[head]['evidence']} {say('generate.roles')}"
                continue
            found = (
                {metric: float(one[metric][head]) for metric in MEASURED}
                for one in (measured.metrics, measured.covered)
            )
            pattern = strongest(*found)
            yield say(f"pattern.{pattern.name}", value=f"{pattern.value:.2f}"), say(f"meaning.{pattern.name}")


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_each_card_says_its_pattern_and_what_it_means(opened, lang):
    trace = trace_model("tiny", TEXT)
    page = opened(trace, lang=lang)
    expected = list(told(trace, lessons(Language(lang))))
    assert page.texts(".card .pattern") == [words for words, _ in expected]
    page.page.locator(".ask").nth(5).click()
    assert page.texts(".bubble:not([hidden])") == [expected[5][1]]
    page.press("Escape")
    assert page.texts(".bubble:not([hidden])") == []


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_a_head_with_a_role_shows_the_evidence_and_what_it_does_elsewhere(opened, lang):
    trace = generate("tiny", "the dogs near the tree", tokens=5)
    spoken = lessons(Language(lang))
    page = opened(trace, lang=lang)
    layer, head = trace.layers[0], 3
    [position] = [one for one in trace.roles if (one.layer, one.head) == (0, head)]
    worn = worn_roles([position], select(trace, layer=["0"]).layers[0], spoken)[head]
    assert page.texts("#evidence") == [worn["evidence"]]
    assert page.texts("#elsewhere") == [spoken.say("generate.roles")]
    page.go(layer=layer.index, head=0)
    assert page.texts("#elsewhere") == []
    page.go(view="overview")
    same = spoken.say("pattern.duplicate", value="").strip()
    assert [
        text for text in page.texts(".card .pattern") if same in text
    ] == []  # two of the nine rows have an earlier copy


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_a_head_is_called_by_the_names_that_it_has_earned(opened, lang):
    weights = numpy.stack([numpy.eye(24, k=-1), numpy.full((24, 24), 1 / 24), numpy.eye(24, k=-7)])[None]
    weights[..., 0, :] = 1 / 24
    made = trace_weights(weights, list("abcdefghijklmnopqrstuvwx"))
    page = opened(Trace(made.tokens, made.layers, {"kind": "model", "model": "M"}), lang=lang)
    say = lessons(Language(lang)).say
    before, broad = say("names.previous-token"), say("names.broad")
    page.go(view="overview")
    assert [text.partition(" · ")[2] for text in page.texts(".card .caption > span:first-child")] == [before, broad, ""]
    page.go(view="matrix", layer=0, head=0)
    assert page.page.locator("#control-head option:checked").inner_text() == f"0 · {before} (1.00)"
    assert f"{before} (1.00)" in page.page.locator("#map").get_attribute("aria-label")


@pytest.mark.parametrize("lang", ["en", "vi"])
def test_a_page_of_drawn_numbers_says_so_and_knows_no_sink(opened, lang):
    spoken = lessons(Language(lang))
    page = opened(trace_text("Your journey starts", causal=True, heads=4), lang=lang)
    assert page.texts(".title .quiet") == [spoken.say("explain.drawn")]
    shown = page.texts(".card .pattern")
    assert spoken.say("pattern.first", value="0.66") in shown
    assert spoken.say("pattern.sink", value="0.66") not in shown


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
    words, meaning = list(told(trace, lessons()))[7]
    page.until("document.querySelector('.enlarged .pattern')")
    assert page.texts(".enlarged .pattern") == [words]
    assert page.texts(".enlarged .pattern + .quiet") == [meaning]
    assert page.texts(".ask") == []
