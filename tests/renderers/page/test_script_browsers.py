"""The page in Chromium, Firefox and WebKit: walked through with a pointer, then with the keyboard alone, without a fault.

With ATTNVIZ_SCREENSHOTS=FOLDER each browser's views are saved there, wide and narrow, in both languages, to be looked at.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy
import pytest
from page_words import called

from attnviz import Trace, trace_text
from attnviz.attention.arrays import to_numpy
from attnviz.renderers.shared import numbers

pytestmark = pytest.mark.slow
SCREENSHOTS = os.environ.get("ATTNVIZ_SCREENSHOTS")
TALL, WIDE, NARROW = (1440, 1200), (1440, 900), (460, 844)  # pixels; MiniBrowser's own bars take 447
SENTENCE = "Your journey starts with one step"
ARABIC = "ذهب الولد إلى المدرسة صباحا"
LEFT = "(one) => one.getBoundingClientRect().left"
STEPS = ("scores", "scaled", "masked", "weights", "output")
TINTED = "Array.from(document.querySelectorAll('.text .word'), (one) => one.style.backgroundColor !== '')"
VIEWS = ("overview", "matrix", "lines", "text", "steps")


@pytest.fixture(autouse=True)
def silent(window):
    """No browser has anything to complain of."""
    yield
    assert window.problems() == []


def test_what_a_browser_complains_of_is_heard(window, written):
    """Else all the others could not fail by it."""
    file = written(trace_text("a b"))
    window.open(file)
    window.evaluate("void console.error('said')")
    window.evaluate("void setTimeout(() => { throw new Error('thrown'); })")
    window.until("new Promise((done) => setTimeout(() => done(true), 100))")
    heard = " ".join(window.problems())
    assert "said" in heard
    assert "thrown" in heard or "Script error" in heard  # WebKit hides the words of what no page wrote
    window.open(file)
    assert window.problems() == []


def weight(trace: Trace, head: int, query: int, key: int) -> str:
    return numbers.number(to_numpy(trace.layers[0].steps(head).weights)[query, key], 4)


def cell_of(window, row: int, column: int) -> tuple[float, float]:
    """Where a cell lies, as shares of the map's width and height: of a map that is seen whole."""
    width, height, left, top = window.evaluate("""(() => {
      const map = document.getElementById("map"), size = map.querySelector(".spacer").getBoundingClientRect();
      return [map.clientWidth, map.clientHeight, size.width, size.height];
    })()""")
    cell = 96  # pixels: the most that a cell has at first, as in a tall window
    return (left - (6 - column - 0.5) * cell) / width, (top - (6 - row - 0.5) * cell) / height


def test_the_views_with_a_pointer(window, written):
    trace = trace_text(SENTENCE, heads=4, causal=True)
    window.resize(*TALL)
    window.open(written(trace))
    window.click_on(".card", 2)
    assert window.evaluate("location.hash") == "#view=matrix&head=2"
    at = cell_of(window, 3, 1)
    window.point_at("#map", at=at)
    assert window.text("#readout") == f"with gives journey the weight {weight(trace, 2, 3, 1)}."
    window.click_on("#map", at=at)
    window.until("document.querySelector('.parts')")
    assert window.texts(".detail h2") == ["with looks at journey"]
    assert window.texts(".sum")[-3].endswith(f"= {weight(trace, 2, 3, 1)}")
    window.click_on(".detail .tool")
    assert window.evaluate("document.getElementById('detail').hidden")
    window.click_on("#tab-lines")
    window.point_at(".query .word", 5)
    row = to_numpy(trace.layers[0].steps(2).weights)[5]
    best = called(trace.tokens, int(row.argmax()))
    assert window.text("#readout") == f"Most of all, step looks at {best}: {numbers.number(row.max(), 4)} (head 2)."
    window.click_on("#tab-text")
    window.click_on(".text .word", 4)
    assert window.evaluate(TINTED) == [True] * 5 + [False]
    window.click_on("#tab-steps")
    window.click_on(".stage[href*='stage=weights']")
    window.click_on(".row", 1)
    window.until("document.querySelector('.parts')")
    assert window.texts(".detail h2") == ["one looks at journey"]


def test_the_views_with_the_keyboard_alone(window, written):
    trace = trace_text(SENTENCE, heads=4, causal=True)
    window.resize(*WIDE)
    window.open(written(trace))
    tab_to(window, "tab-overview")
    seen = []
    for _ in VIEWS:
        seen.append(window.focused())
        window.keys("ArrowRight")
    assert seen == [f"tab-{view}" for view in VIEWS]
    window.keys("Home")
    tab_to(window, "Head 0")
    window.keys("ArrowRight", "ArrowRight", "ArrowRight", "Enter")
    assert window.evaluate("location.hash") == "#view=matrix&head=3"
    tab_to(window, "map")
    window.keys("ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowRight", "Enter")
    assert window.text("#voice") == f"starts gives journey the weight {weight(trace, 3, 2, 1)}."
    assert window.texts(".detail h2") == ["starts looks at journey"]
    window.keys("Escape")
    assert window.focused() == "map"


def tab_to(window, name: str) -> None:
    """Press Tab until the element called so has the focus."""
    for _ in range(40):
        if window.focused() == name:
            return
        window.press("Tab")
    raise AssertionError(f"Tab never reaches {name}")


def test_a_token_is_found_and_the_link_is_copied_and_pasted(window, written):
    window.resize(*WIDE)
    window.open(written(trace_text("the cat sat on the mat", causal=True)), view="steps", query=1)
    window.keys("/", "t", "h", "e")
    assert (window.focused(), window.text("output[for=find]")) == ("find", "2 of 2")
    window.keys("Enter")
    assert window.text(".queries [aria-selected=true]") == "the"
    assert "query=0" in window.evaluate("location.hash")
    window.click_on("#copy-link")
    window.until("document.getElementById('copied').textContent")
    window.keys("/", "Control+v")
    assert window.evaluate("document.getElementById('find').value === location.href")


@pytest.mark.parametrize("view", ["matrix", "lines", "text", "steps"])
def test_leaving_the_search_of_a_fresh_page_leads_into_the_view(window, written, view):
    window.open(written(trace_text(SENTENCE, causal=True)), view=view)
    assert window.focused() == ""
    window.keys("/", "Escape")
    assert window.evaluate("document.getElementById('panel').contains(document.activeElement)")
    assert (window.focused() == "map") == (view == "matrix")


def test_another_language_and_another_theme(window, written):
    trace = trace_text(SENTENCE, heads=2, causal=True)
    window.resize(*WIDE)
    grounds = []
    for theme in ("light", "dark"):
        window.open(written(trace), view="steps", head=1, query=4, stage="weights", theme=theme)
        grounds.append(window.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
        told = window.texts(".sentence")
        window.evaluate("void document.getElementById('setting-language').focus()")
        window.keys("ArrowDown")
        if window.name == "webkit":
            window.press("Enter")  # its list opens first
        window.until("document.documentElement.lang === 'vi'")
        window.settle()
        assert window.text("#tab-text") == "Văn bản"
        assert window.texts(".sentence") != told
        assert window.texts(".sentence")[1].startswith("one nhìn nhiều nhất vào")
    assert grounds[0] != grounds[1]


def test_an_arabic_sentence_reads_from_right_to_left(window, written):
    window.resize(*NARROW)
    window.open(written(trace_text(ARABIC, causal=True)), view="text", query=2)
    lefts = window.evaluate(f"Array.from(document.querySelectorAll('.text .word'), {LEFT})")
    assert len(lefts) == 5
    assert lefts == sorted(lefts, reverse=True)
    if SCREENSHOTS:
        (Path(SCREENSHOTS) / f"{window.name}-arabic.png").write_bytes(window.picture())


def test_a_run_of_clicks_is_one_way_back(window, written):
    window.resize(*WIDE)
    window.open(written(trace_text(SENTENCE, heads=8, causal=True)), view="matrix", head=2)
    for _ in range(5):
        window.click_on("#control-head ~ button", 1)
    assert "head=7" in window.evaluate("location.hash")
    window.evaluate("void history.back()")
    window.until("location.hash.includes('head=2')")


def test_every_number_of_every_kind_is_that_of_attend(window, written, trace):
    """``trace`` is one of each kind of rule: grouped heads, masks, biases, windows, sinks, rotary positions and others."""
    window.resize(*WIDE)
    window.open(written(trace))
    own = [to_numpy(step) for step in trace.layers[0].steps(0)]
    query = own[0].shape[0] - 1
    for step, values in zip(STEPS, own, strict=True):
        window.follow(view="steps", query=query, stage=step)
        row = values[query]
        if step == "output":
            assert window.texts(".total .vector") == [numbers.vector(row, 4)]
            continue
        hidden = (
            trace.layers[0].steps(0).hidden[query] if step in ("masked", "weights") else numpy.zeros(len(row), bool)
        )
        if step == "weights":
            [words] = numbers.weights(row[None], hidden[None], 4)
            expected = [word.replace(numbers.NO_WEIGHT, "0") for word in words]
        else:
            [expected] = numbers.cells(numpy.where(hidden, -numpy.inf, row)[None], 4)
        assert window.texts(".row .mark") == expected, step


@pytest.mark.parametrize("lang", ["en", "vi"])
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_nothing_juts_out(window, written, lang, size):
    file = written(trace_text(SENTENCE, heads=4, causal=True), lang=lang)
    window.resize(*size)
    window.open(file)
    for view in VIEWS:
        window.follow(view=view, query=4, key=2, stage="weights", **{"detail": "yes"} if view == "matrix" else {})
        scroll, client = window.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert scroll <= client, view
        if SCREENSHOTS:
            name = f"{window.name}-{view}-{size[0]}-{lang}.png"
            (Path(SCREENSHOTS) / name).write_bytes(window.picture())
