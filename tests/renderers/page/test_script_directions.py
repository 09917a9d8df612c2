"""A text from right to left reads from right to left, wherever it stands."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from attnviz import trace_text

ARABIC = "ذهب الولد إلى المدرسة صباحا"
SVG = "{http://www.w3.org/2000/svg}"
# Where the heading's first letter stands, and the one after the first word.
HEADING = """(letters) => [0, letters + 1].map((place) => {
  const range = document.createRange();
  const node = document.createTreeWalker(document.querySelector("h1"), NodeFilter.SHOW_TEXT).nextNode();
  range.setStart(node, place);
  range.setEnd(node, place + 1);
  return range.getBoundingClientRect().left;
})"""
LEFTS = "Array.from(document.querySelectorAll(%r), (one) => one.getBoundingClientRect().left)"


@pytest.mark.parametrize("text", [ARABIC, "Your journey starts here now"])
def test_the_tokens_follow_each_other_as_the_text_reads(opened, text):
    page = opened(trace_text(text), view="text", query=1)
    direction = -1 if text == ARABIC else 1
    for view, tokens in (("text", ".text .word"), ("steps", ".queries .word")):
        page.go(view=view, query=1, key=0)
        lefts = page.page.evaluate(LEFTS % tokens)
        assert len(lefts) == 5
        assert lefts == sorted(lefts, reverse=direction < 0), view
    first, last = page.page.evaluate(HEADING, len(text.split()[0]))
    assert (last - first) * direction > 0


@pytest.mark.slow
def test_a_special_token_in_front_does_not_turn_the_text(opened, several):
    tokens = ("<s>", *["ذهب", "الولد", "إلى", "المدرسة", "صباحا", "."])
    page = opened(type(several)(tokens, several.layers, several.source), view="text")
    assert page.page.locator(".prose").get_attribute("dir") == "rtl"


@pytest.mark.slow
def test_the_arrow_to_the_left_goes_on(opened):
    page = opened(trace_text(ARABIC), view="text")
    page.page.locator(".word").first.focus()
    page.press("ArrowLeft", "ArrowLeft", "ArrowRight", "ArrowLeft")
    assert page.page.evaluate("document.activeElement.textContent") == ARABIC.split()[2]


def test_a_saved_text_reads_from_right_to_left(opened):
    page = opened(trace_text(ARABIC), view="text", query=1)
    with page.page.expect_download() as download:
        page.page.locator("#save-svg").click()
    texts = list(ElementTree.parse(download.value.path()).iter(f"{SVG}text"))[1:]
    assert [one.text.strip("\u2068\u2069") for one in texts] == ARABIC.split()
    places = [float(one.get("x")) for one in texts]
    assert places == sorted(places, reverse=True)


@pytest.mark.slow
def test_a_saved_step_keeps_its_tokens_apart(opened):
    page = opened(trace_text(ARABIC), view="steps", query=1, stage="weights")
    with page.page.expect_download() as download:
        page.page.locator("#save-svg").click()
    texts = [one.text for one in ElementTree.parse(download.value.path()).iter(f"{SVG}text")]
    named = [text for text in texts if any(token in text for token in ARABIC.split())]
    assert len(named) > 5
    for text in named:
        assert text.count("\u2068") == text.count("\u2069") > 0
