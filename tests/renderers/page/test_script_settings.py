"""The language and the theme of a page, chosen in it: everything follows at once, and stays where it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_roles import made_role

from attnviz import trace_text

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

SENTENCE = "Your journey starts with one step"
STATES = (
    {"view": "overview"},
    {"view": "overview", "sort": "entropy"},
    {"view": "matrix", "other": "0_1_scores"},
    {"view": "matrix", "head": 1, "query": 4, "key": 2, "detail": "yes"},
    {"view": "lines", "heads": "0.1", "query": 3},
    {"view": "text", "query": 5},
    {"view": "steps", "query": 5, "stage": "weights"},
)
# All that a person reads or hears of the page, in its order.
SAID = """[...document.querySelectorAll("#page *")].flatMap((one) => [
  ...["aria-label", "aria-valuetext", "title", "placeholder"].map((name) => one.getAttribute(name)),
  ...[...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data),
]).filter((text) => text?.trim())"""
PAINTED = """(() => { const canvas = document.querySelector(".pinned canvas");
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.join(); })()"""


@pytest.fixture(scope="module")
def trace():
    made = trace_text(SENTENCE, heads=2, causal=True)
    return replace(made, roles=(made_role(layer=0, head=1),))


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES, ids=lambda state: "-".join(map(str, state.values())))
def test_another_language_changes_every_word(opened, trace, state):
    page = opened(trace, lang="vi", before="", **state)
    expected = page.page.evaluate(SAID)
    page = opened(trace, lang="en", **state)
    own = page.page.evaluate(SAID)
    before = page.page.evaluate("location.hash")
    page.page.locator("#setting-language").select_option("vi")
    page.until("document.documentElement.lang === 'vi'")
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert page.page.evaluate(SAID) == expected
    assert page.page.evaluate("location.hash") == f"{before}&language=vi"
    page.page.locator("#setting-language").select_option("en")
    page.until("document.documentElement.lang === 'en'")
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert page.page.evaluate(SAID) == own


def test_what_is_computed_follows_the_language(opened, trace):
    page = opened(trace, view="matrix", head=1, query=4, key=2, detail="yes")
    page.page.locator("#setting-language").select_option("vi")
    page.until("document.querySelector('.detail h2').textContent === 'one nhìn vào starts'")
    assert page.texts("#tab-text") == ["Văn bản"]


def test_a_link_opens_in_its_language(opened, trace):
    page = opened(trace, view="text", language="vi", theme="dark", until="html[lang=vi] #panel[aria-busy=false]")
    assert page.texts("#tab-text") == ["Văn bản"]
    assert page.page.locator("html").get_attribute("data-theme") == "dark"
    assert page.page.locator("#setting-language").input_value() == "vi"
    assert page.page.locator("#setting-theme").input_value() == "dark"


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_a_theme_is_that_of_a_system_which_has_it(opened, trace, dark):
    """The page as the system has it, against the page in that theme on the other system."""
    state = {"view": "matrix", "query": 4, "key": 2}
    page = opened(trace, dark=dark, before="", **state)
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    expected = page.page.evaluate(PAINTED), page.page.evaluate(ground)
    page = opened(trace, dark=not dark, **state)
    assert page.page.evaluate(PAINTED) != expected[0]
    page.page.locator("#setting-theme").select_option("dark" if dark else "light")
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert (page.page.evaluate(PAINTED), page.page.evaluate(ground)) == expected
    assert "theme=" in page.page.evaluate("location.hash")


@pytest.mark.slow
def test_the_system_s_theme_is_followed_while_no_other_is_chosen(opened, trace):
    page = opened(trace, view="matrix", before="")
    for scheme in ("dark", "light"):
        page.page.emulate_media(color_scheme=scheme)
        page.until(f"document.documentElement.dataset.theme === '{scheme}'")
    page.go(view="matrix", theme="light")
    page.page.emulate_media(color_scheme="dark")
    assert page.page.locator("html").get_attribute("data-theme") == "light"
