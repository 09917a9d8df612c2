"""What the browser's Back leads to, and that a chosen token is in sight."""

from __future__ import annotations

import pytest

from attnviz import trace_text

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety


def back(page):
    page.page.evaluate("""() => new Promise((done) => {
      addEventListener("hashchange", () => done(), { once: true });
      history.back();
    })""")
    page.page.wait_for_selector("#panel[aria-busy=false]")
    return page.page.evaluate("location.hash")


def test_a_run_through_heads_is_one_place(opened):
    page = opened(trace_text("the cat sat on the mat", heads=8), view="overview", before="")
    page.page.locator(".card").nth(2).click()
    page.page.wait_for_selector("#map")
    began = page.page.evaluate("history.length")
    page.page.get_by_role("button", name="The next head").evaluate(
        "button => { for (let count = 0; count < 20; count++) button.click(); }"
    )
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert page.page.evaluate("history.length") == began + 1
    assert "head=6" in page.page.evaluate("location.hash")  # 2 + 20, of 8
    page.page.locator("#tab-text").click()
    assert "view=matrix&head=6" in back(page)
    assert back(page) == "#view=matrix&head=2"
    back(page)
    assert page.page.locator("#tab-overview").get_attribute("aria-selected") == "true"


@pytest.mark.slow
def test_views_that_are_passed_through_are_one_place(opened):
    page = opened(trace_text("the cat sat", heads=2), before="")
    began = page.page.evaluate("history.length")
    page.page.locator("#tab-overview").focus()
    page.press(*["ArrowRight"] * 4)
    assert page.page.evaluate("history.length") == began + 1
    page.page.wait_for_timeout(1100)  # a view that one stays in is a place
    page.press("ArrowLeft")
    assert page.page.evaluate("history.length") == began + 2


@pytest.mark.slow
def test_the_lines_scroll_to_the_chosen_token(opened):
    page = opened(trace_text(" ".join(f"w{place}" for place in range(200))), view="lines")
    for side, place in (("query", 150), ("key", 20)):
        page.go(view="lines", **({"query": "none"} | {side: place}))
        frame = page.page.locator(".joined").bounding_box()
        word = page.page.locator(f".{side} .word[data-place='{place}']").bounding_box()
        assert frame["y"] <= word["y"]
        assert word["y"] + word["height"] <= frame["y"] + frame["height"]
    page.page.locator(".joined").evaluate("frame => frame.scrollTo(0, 3000)")
    page.page.locator("#control-first").click()  # whoever has scrolled away stays there
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert page.page.locator(".joined").evaluate("frame => frame.scrollTop") > 2500
