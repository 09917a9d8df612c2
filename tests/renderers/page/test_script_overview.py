"""The Overview of many heads: a strict grid, cells that enlarge, and small maps that are computed once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_roles import made_role
from random_traces import random_trace

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

BOXES = """(cards) => cards.map((card) => {
  const { x, y, width, height } = card.querySelector("canvas").getBoundingClientRect();
  return [Math.round(x), Math.round(y), Math.round(width), Math.round(height)];
})"""
BUSY = "() => document.getElementById('panel').ariaBusy"


@pytest.fixture
def many(opened):
    return opened(random_trace(5, 9, 12, 8, causal=True), view="overview")


@pytest.mark.parametrize("width", [600, 1280])
def test_a_row_a_layer_and_a_column_a_head(opened, width):
    page = opened(random_trace(5, 9, 12, 8, causal=True), view="overview", width=width)
    boxes = page.page.locator(".card").evaluate_all(BOXES)
    assert len(boxes) == 45
    assert len({y for _, y, _, _ in boxes}) == 5
    assert len({x for x, _, _, _ in boxes}) == 9
    assert all(28 <= side <= 40 for *_, wide, high in boxes for side in (wide, high))
    assert page.texts(".numbers span") == list("012345678")
    assert page.texts(".layer h2") == [f"Layer {index}" for index in range(5)]


def test_heads_that_were_selected_stand_in_the_columns_of_their_numbers(opened):
    page = opened(random_trace(6, 9, 5, 8), selected={"head": ["8", "1", "3", "4", "6"]}, view="overview")
    assert page.texts(".numbers span") == list("81346")
    first = page.page.locator(".card").first
    assert first.get_attribute("aria-label") == "Layer 0, head 8"


def test_a_cell_enlarges_under_the_pointer_and_for_the_keyboard(many):
    enlarged = many.page.locator(".enlarged")
    assert enlarged.is_hidden()
    many.page.locator(".card").nth(13).hover()
    assert enlarged.inner_text().split("\n")[0] == "Layer 1 · 4"
    assert enlarged.locator("canvas").bounding_box()["width"] > 150
    many.page.locator(".card").nth(44).hover()
    box = enlarged.bounding_box()
    assert enlarged.inner_text().split("\n")[0] == "Layer 4 · 8"
    assert box["x"] > 0
    assert box["y"] + box["height"] <= 900
    many.page.mouse.move(900, 20)
    assert enlarged.is_hidden()
    many.page.locator(".card").first.focus()
    many.press("ArrowDown")
    assert enlarged.inner_text().split("\n")[0] == "Layer 1 · 0"
    many.press("Escape")
    assert enlarged.is_hidden()


def test_a_sorted_grid_says_the_number_of_the_cell_that_is_pointed_at(many):
    many.go(view="overview", sort="entropy")
    many.page.locator(".card").first.hover()
    many.page.locator(".card").nth(44).hover()
    assert many.page.locator(".enlarged").inner_text().startswith("Layer ")
    assert 0 < float(many.page.locator(".enlarged .caption b").inner_text()) < 4


def test_small_maps_are_kept_and_repainted_where_they_change(many):
    many.page.evaluate("() => { window.before = document.querySelectorAll('canvas.thumb')[7]; }")
    picture = "() => document.querySelectorAll('canvas.thumb')[7].toDataURL()"
    first = many.page.evaluate(picture)
    many.go(view="matrix")
    many.go(view="overview")
    assert many.page.evaluate("() => window.before === document.querySelectorAll('canvas.thumb')[7]")
    assert many.page.evaluate(picture) == first
    many.go(view="overview", threshold=0.5)
    assert many.page.evaluate(picture) != first
    many.go(view="overview")
    assert many.page.evaluate(picture) == first
    many.go(view="overview", first="no")
    assert many.page.evaluate(picture) != first


def test_a_grid_is_saved_as_it_stands(many):
    with many.page.expect_download() as saved:
        many.page.locator("#save-svg").click()
    picture = saved.value.path().read_text("utf-8")
    assert picture.count("<image") + picture.count("<g ") >= 45
    assert all(f">Layer {index}</text>" in picture for index in range(5))


def test_heads_of_a_grid_wear_their_roles_below_it(opened):
    trace = replace(random_trace(5, 9, 12, 8), roles=(made_role(layer=1, head=4),))
    page = opened(trace, view="overview")
    [button] = page.page.locator(".worn-heads button").all()
    assert button.inner_text().startswith("Layer 1, head 4 · ")
    assert page.page.locator(".card.worn").get_attribute("aria-label") == button.inner_text()
    button.click()
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert "layer=1&head=4" in page.page.url


def test_few_heads_keep_their_large_cards(opened):
    page = opened(random_trace(2, 3, 6, 8), view="overview")
    assert page.page.locator(".card canvas").first.bounding_box()["width"] > 100
    assert page.texts(".caption > span:first-child") == ["Head 0", "Head 1", "Head 2"] * 2
