"""The tab with the image, in the browser: patches are chosen, the others are tinted where they lie."""

from __future__ import annotations

import numpy
import pytest
from pictured import bright, pictured_trace

from attnviz.attention.arrays import to_numpy

pytestmark = pytest.mark.slow  # CI goes through it

PICTURE = bright((30, 20), (0, 0, 30, 20))


def darkness(page, places):
    """How dark the canvas is at pixels of the picture, of 30 × 20."""
    return page.evaluate(
        """(places) => { const one = document.querySelector(".framed canvas");
        const { data } = one.getContext("2d").getImageData(0, 0, one.width, one.height);
        return places.map(([x, y]) => {
          const place = 4 * (Math.round((y * one.height) / 20) * one.width + Math.round((x * one.width) / 30));
          return 765 - data[place] - data[place + 1] - data[place + 2];
        }); }""",
        places,
    )


def test_the_page_opens_with_the_image_and_a_click_chooses_a_patch(opened):
    trace = pictured_trace()
    opened_page = opened(trace, image=PICTURE)
    page = opened_page.page
    assert page.locator("#tab-image").get_attribute("aria-selected") == "true"
    assert page.locator(".no-patches [role=option]").all_text_contents() == ["[CLS]"]
    assert page.locator(".patches-over [role=option]").count() == 6
    box = page.locator(".framed canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 25 / 30, box["y"] + box["height"] * 15 / 20)
    opened_page.until("location.hash.includes('query=6') && document.getElementById('panel').ariaBusy === 'false'")
    weights = to_numpy(trace.layers[0].steps(head=0).weights)[6]
    assert f"{100 * weights[1:].sum():.0f} % of the weight of r1c2" in page.locator("#readout").inner_text()
    dark = darkness(page, [(x, y) for y in (5, 15) for x in (5, 15, 22)])
    assert numpy.argsort(dark).tolist() == numpy.argsort(weights[1:]).tolist()


def test_the_keyboard_moves_from_patch_to_patch(opened):
    page = opened(pictured_trace(), image=PICTURE, query=1)
    page.page.locator(".patches-over [role=option]").first.focus()
    page.press("ArrowDown", "Enter")
    page.until("location.hash.includes('query=4')")


def test_words_stand_beside_the_image(opened):
    page = opened(pictured_trace(words=("the", "cat")), image=PICTURE, lang="vi")
    assert page.texts(".no-patches [role=option]") == ["[CLS]", "the", "cat"]
    page.page.get_by_role("option", name="cat").click()
    page.until("location.hash.includes('query=8') && document.getElementById('panel').ariaBusy === 'false'")
    assert "nằm trên hình ảnh" in page.texts("#readout")[0]
    page.page.locator(".thumb-image").nth(1).click()
    page.until("location.hash.includes('head=1')")


def test_without_an_image_there_is_no_such_tab(opened):
    page = opened(pictured_trace(), view="image").page
    assert page.locator("#tab-image").count() == 0
    assert page.locator("#tab-overview").get_attribute("aria-selected") == "true"
