"""Finding a token with "/", and copying a row, a cell or a link."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Trace, trace_text
from attnviz.attention.arrays import to_numpy
from attnviz.choices import Language
from attnviz.text.lessons import lessons

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

TEXT = "the cat sat on the mat and the dog"
TAKEN = """window.taken = [];
Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => void window.taken.push(text) } });"""
NO_CLIPBOARD = """Object.defineProperty(navigator, "clipboard", { value: undefined });
window.taken = [];
document.execCommand = (name) => (window.taken.push(name, document.activeElement.value), %s);"""


def chosen(page):
    return page.page.evaluate("new URLSearchParams(location.hash.slice(1)).get('query')")


@pytest.mark.parametrize(
    "view", ["matrix", *(pytest.param(view, marks=pytest.mark.slow) for view in ("lines", "text", "steps"))]
)
def test_a_slash_finds_a_token(opened, view):
    page = opened(trace_text(TEXT), view=view)
    page.page.locator("#tab-text").focus()
    page.press("/", "T", "h", "e")
    assert page.page.evaluate("document.activeElement.id") == "find"
    assert (chosen(page), page.texts("output[for=find]")) == ("0", ["1 of 3"])
    page.press("Enter", "Enter")
    assert (chosen(page), page.texts("output[for=find]")) == ("7", ["3 of 3"])
    page.press("Enter", "Shift+Enter", "Shift+Enter")
    assert (chosen(page), page.texts("output[for=find]")) == ("4", ["2 of 3"])
    page.press("Escape")
    assert page.page.evaluate("document.activeElement.id") == "tab-text"
    assert chosen(page) is None  # the last query, where one was before


def test_escape_goes_back_to_the_pair_that_was_chosen_and_leaving_otherwise_does_not(opened):
    page = opened(trace_text(TEXT), view="matrix", query=5, key=2)
    at = "new URLSearchParams(location.hash.slice(1)).get('key')"
    page.page.locator("#tab-text").focus()
    page.press("/", "d", "o", "g", "Enter", "Escape")
    assert (chosen(page), page.page.evaluate(at)) == ("5", "2")
    page.press("/", "c", "a", "t", "Tab")
    assert (chosen(page), page.page.evaluate(at)) == ("1", None)
    page.page.locator("#find").focus()
    page.press("Escape")
    assert chosen(page) == "1"


@pytest.mark.parametrize(
    ("lang", "later", "none"), [("en", "not read yet", "none"), ("vi", "chưa đọc tới", "không có")]
)
def test_what_is_not_read_yet_is_said_to_come(opened, lang, later, none):
    page = opened(trace_text(TEXT, causal=True), view="matrix", upto=3, lang=lang)
    find = page.page.locator("#find")
    find.fill("dog")
    assert page.texts("output[for=find]") == [later]
    find.fill("bird")
    assert page.texts("output[for=find]") == [none]


def test_a_slash_in_the_box_asks_for_the_search(opened):
    page = opened(trace_text(TEXT), view="matrix")
    find = page.page.locator("#find")
    find.focus()
    page.press("/", "t", "h", "e")
    assert (find.input_value(), page.texts("output[for=find]")) == ("/the", ["1 of 3"])
    page.press("Enter", "/", "c", "a", "t")
    assert (find.input_value(), chosen(page)) == ("cat", "1")


def test_a_slash_is_found_where_a_token_has_it(opened):
    page = opened(trace_text("the and/or cat / the dog", tokenizer="whitespace"), view="matrix")
    find = page.page.locator("#find")
    find.fill("/")
    assert page.texts("output[for=find]") == ["1 of 2"]
    find.fill("/or")
    assert page.texts("output[for=find]") == ["1 of 1"]


@pytest.mark.slow
def test_what_is_not_there_is_said_and_a_position_is_found(opened):
    page = opened(trace_text(TEXT), view="steps", query=2)
    find = page.page.locator("#find")
    find.fill("bird")
    assert (chosen(page), page.texts("output[for=find]")) == ("2", ["none"])
    find.fill("@5")
    assert page.page.locator(".queries [aria-selected=true]").text_content() == "mat"
    page.go(view="overview")
    assert find.is_hidden()


@pytest.mark.slow
def test_the_key_is_looked_for_where_it_is_chosen(opened):
    page = opened(trace_text(TEXT), view="text", towards="yes", query="none")
    page.page.locator("#find").fill("dog")
    assert page.page.locator("[aria-selected=true]").last.text_content() == "dog"
    assert "key=8" in page.page.evaluate("location.hash")


@pytest.mark.slow
@pytest.mark.parametrize("view", ["matrix", "text"])
def test_what_is_found_is_in_sight(opened, view):
    page = opened(trace_text(" ".join(f"w{place}" for place in range(700))), view=view, query=0)
    for _ in range(14 if view == "matrix" else 0):
        page.page.get_by_role("button", name="Zoom in").click()
    page.page.locator("#find").fill("w650")
    page.page.wait_for_selector("#panel[aria-busy=false]")
    top = page.page.evaluate("document.querySelector('#map, .text').scrollTop")
    page.page.locator("#find").fill("w3")
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert top > page.page.evaluate("document.querySelector('#map, .text').scrollTop") + 500


def test_a_row_a_cell_and_a_link_are_copied(opened):
    trace = trace_text(TEXT, causal=True)
    steps = trace.layers[0].steps(0)
    page = opened(trace, view="matrix", query=3, key=1, before=TAKEN)
    for name in ("row", "cell", "link"):
        page.page.locator(f"#copy-{name}").click()
        page.until(f"window.taken.length === {('row', 'cell', 'link').index(name) + 1}")
    assert page.texts("#copied") == ["Copied."]
    row, cell, link = page.page.evaluate("window.taken")
    head, *lines = (line.split("\t") for line in row.split("\n"))
    assert head == ["Key", "Weights: on"]
    assert [token for token, _ in lines] == TEXT.split()
    assert numpy.allclose([float(number) for _, number in lines], to_numpy(steps.weights)[3], rtol=1e-12)
    titles, numbers = (line.split("\t") for line in cell.split("\n"))
    assert titles == ["Query", "Key", "Scores", "Scaled", "Masked", "Weights", "Contribution"]
    assert numbers[:2] == ["on", "cat"]
    expected = [to_numpy(one)[3, 1] for one in (steps.scores, steps.scaled, steps.masked, steps.weights)]
    expected.append(
        expected[-1] * numpy.linalg.norm(to_numpy(trace.layers[0].value)[0, 1])
    )  # without W_O the Value itself
    assert numpy.allclose([float(number) for number in numbers[2:]], expected, rtol=1e-12)
    assert link == page.page.evaluate("location.href")


@pytest.mark.slow
def test_a_hidden_cell_is_copied_as_nothing_and_the_step_that_is_shown(opened):
    page = opened(trace_text(TEXT, causal=True), view="matrix", step="masked", query=1, before=TAKEN)
    assert page.page.locator("#copy-cell").is_disabled()
    page.page.locator("#copy-row").click()
    page.until("window.taken.length")
    head, *lines = (line.split("\t") for line in page.page.evaluate("window.taken[0]").split("\n"))
    assert head[1] == "Masked: cat"
    assert [number == "" for _, number in lines] == [False, False] + [True] * 7


@pytest.mark.slow
def test_no_token_becomes_a_formula(opened):
    vectors = numpy.ones((1, 3, 2))
    tokens = ("=1+1", "@SUM(A1)", "cat")
    page = opened(Trace(tokens, (Layer(vectors, vectors, vectors),)), view="matrix", query=0, before=TAKEN)
    page.page.locator("#copy-row").click()
    page.until("window.taken.length")
    lines = page.page.evaluate("window.taken[0]").split("\n")[1:]
    assert [line.split("\t")[0] for line in lines] == ["'=1+1", "'@SUM(A1)", "cat"]


@pytest.mark.slow
@pytest.mark.parametrize("works", [True, False])
def test_a_frame_without_a_clipboard_copies_the_old_way_or_says_so(opened, works):
    page = opened(trace_text(TEXT), view="text", before=NO_CLIPBOARD % str(works).lower())
    page.page.locator("#copy-link").click()
    page.until("window.taken.length")
    assert page.page.evaluate("window.taken") == ["copy", page.page.evaluate("location.href")]
    alert = page.page.locator("[role=alert]")
    if works:
        assert page.texts("#copied") == ["Copied."]
        assert alert.is_hidden()
    else:
        alert.wait_for()
        assert alert.text_content().startswith("The browser did not let this page copy")
    assert page.page.evaluate("document.activeElement.id") == "copy-link"


def test_what_was_copied_is_said_in_the_language_that_is_spoken(opened):
    page = opened(trace_text(TEXT), view="matrix", before=TAKEN)
    page.page.locator("#copy-link").click()
    assert page.texts("#copied") == ["Copied."]
    page.go(view="matrix", language="vi")
    page.until("document.documentElement.lang === 'vi'")
    assert page.texts("#copied") == [lessons(Language.VI).say("page.copied")]
    page.until("document.getElementById('copied').textContent === ''")
