"""The page with the keyboard alone, for ears, and as axe-core judges it."""

from __future__ import annotations

from importlib import resources

import pytest

from attnviz import trace_text

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

SENTENCE = "Your journey starts with one step"
RUN = "async () => (await axe.run(document, { resultTypes: ['violations'] })).violations"


def focused(page):
    return page.page.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label')")


def test_every_view_is_reached_with_the_arrow_keys(opened):
    page = opened(trace_text(SENTENCE, heads=2))
    page.press("Tab")
    assert focused(page) == "tab-overview"
    for view in ("matrix", "lines", "text", "steps"):
        page.press("ArrowRight")
        assert focused(page) == f"tab-{view}"
        assert page.page.locator("#panel").get_attribute("aria-labelledby") == f"tab-{view}"


def test_a_head_a_cell_and_its_arithmetic_with_the_keyboard(opened):
    page = opened(trace_text(SENTENCE, heads=4, causal=True))
    page.page.locator(".card").first.focus()
    page.press("ArrowRight", "ArrowRight", "Enter")
    page.page.wait_for_selector("#map")
    assert "head=2" in page.page.evaluate("location.hash")
    page.page.locator("#map").focus()
    page.press("ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowRight")  # from the last query on
    voice = page.page.locator("[aria-live=polite]")
    assert voice.text_content().startswith("starts gives journey the weight 0.")
    page.press("ArrowRight", "ArrowRight")
    assert voice.text_content() == "with is hidden from starts."
    page.press("ArrowLeft", "Enter")
    page.page.wait_for_selector(".parts")
    assert page.texts(".detail h2") == ["starts looks at starts"]
    page.press("ArrowUp")
    page.until("document.querySelector('.detail h2').textContent.startsWith('journey')")
    page.press("Escape")
    assert page.page.locator(".detail").is_hidden()
    assert focused(page) == "map"
    width = page.page.locator(".spacer").bounding_box()["width"]
    page.press("-")
    page.until(f"document.querySelector('.spacer').getBoundingClientRect().width < {width}")


def test_tokens_and_steps_with_the_keyboard(opened):
    page = opened(trace_text(SENTENCE), view="text")
    page.page.locator(".word").first.focus()
    page.press("ArrowRight", "ArrowRight", "Enter")
    assert page.page.locator(".word[aria-selected=true]").text_content() == "starts"
    assert "starts looks at" in page.page.locator("[aria-live=polite]").text_content()
    page.go(view="steps", query=1, stage="scores")
    page.page.get_by_role("button", name="Play", exact=True).focus()
    page.press("ArrowRight", "ArrowRight")
    assert page.texts(".story h2") == ["Masked"]
    assert "Nothing is hidden" in page.page.locator("[aria-live=polite]").text_content()
    page.press("ArrowLeft")
    assert page.texts(".story h2") == ["Scaled"]


def test_closing_the_arithmetic_goes_back_to_what_opened_it(opened):
    page = opened(trace_text(SENTENCE), view="steps", query=1, stage="scores")
    page.page.locator(".row").nth(2).focus()
    page.press("Enter")
    page.page.wait_for_selector(".parts")
    page.page.get_by_role("button", name="Close").focus()
    page.press("Enter")
    assert page.page.locator(".row").nth(2).evaluate("row => row === document.activeElement")
    page.page.locator(".row").nth(3).focus()
    page.press("Enter", "Escape")
    assert page.page.locator(".row").nth(3).evaluate("row => row === document.activeElement")


def test_closing_the_arithmetic_of_a_link_goes_into_the_view(opened):
    page = opened(trace_text(SENTENCE), view="steps", query=1, key=2, detail="yes")
    page.page.get_by_role("button", name="Close").click()
    assert page.page.evaluate("document.activeElement.closest('#panel') !== null")


def test_a_token_that_the_keyboard_left_is_no_longer_pointed_at(opened):
    page = opened(trace_text(SENTENCE), view="lines", query="none")
    page.page.locator(".query .word").first.focus()
    page.press("ArrowDown")
    page.page.wait_for_selector(".query .word.pointed >> nth=0")
    page.press("Tab")
    page.until("document.querySelector('.pointed') === null")


@pytest.mark.parametrize("view", ["matrix", "steps"])
def test_the_keys_of_the_browser_stay_the_browsers(opened, view):
    page = opened(trace_text(SENTENCE), view=view, query=1, key=1, stage="masked")
    page.page.locator({"matrix": "#map", "steps": ".tool >> nth=1"}[view]).focus()
    page.page.evaluate("""() => {
      window.taken = [];
      addEventListener("keydown", (event) => {
        window.taken.push(event.defaultPrevented);
        event.preventDefault(); // the browser would zoom or go back
      });
    }""")
    before = page.page.evaluate("[location.hash, document.querySelector('.spacer')?.style.width]")
    for modifier in ("Control", "Meta", "Alt"):
        page.press(*(f"{modifier}+{key}" for key in ("ArrowLeft", "ArrowRight", "=", "-", "0")))
        taken = page.page.evaluate("taken.splice(0)")
        assert len(taken) >= 5
        assert not any(taken)
        assert page.page.evaluate("[location.hash, document.querySelector('.spacer')?.style.width]") == before


def test_who_asks_for_less_motion_gets_none(opened):
    page = opened(trace_text(SENTENCE), view="steps", stage="scores", motion="reduce")
    assert page.page.locator(".fill").first.evaluate("fill => getComputedStyle(fill).transitionDuration") in (
        "0s",
        "0s, 0s",
    )


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(opened, dark):
    axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    trace = trace_text(SENTENCE, heads=4, causal=True, position="alibi")
    script = (resources.files(axe) / "axe.min.js").read_text(encoding="utf-8")
    page = opened(trace, dark=dark, motion="reduce", before=script)
    for state in (
        {"view": "overview"},
        {"view": "overview", "sort": "entropy", "scale": "log"},
        {"view": "matrix", "query": 3, "key": 1, "detail": "yes"},
        {"view": "lines", "heads": "0.1"},
        {"view": "text", "query": 5, "scale": "log"},
        {"view": "steps", "stage": "masked"},
        {"view": "steps", "stage": "output"},
        {"view": "steps", "stage": "query"},
        {"view": "steps", "stage": "concat"},
        {"view": "steps", "stage": "projected"},
        {"view": "matrix", "other": "0_1_scores"},
        {"view": "text", "upto": 3},
    ):
        page.go(**state)
        found = page.page.evaluate(RUN)
        assert [(one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"]) for one in found] == [], state
