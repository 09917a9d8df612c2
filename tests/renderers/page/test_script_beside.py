"""Two maps side by side: what is pointed at or chosen in one is so in both."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from page_words import called

from attnviz import diff, trace_text
from attnviz.renderers.shared import numbers

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

SVG = "{http://www.w3.org/2000/svg}"


def both(trace, query, key, *values, subtracted=False):
    left, right = (numbers.number(value, 4) for value in values)
    names = called(trace.tokens, query), called(trace.tokens, key)
    difference = f"; difference {numbers.number(values[0] - values[1], 4)}" if subtracted else ""
    return f"{names[0]} with {names[1]}: {left} in the first map, {right} in the second{difference}."


@pytest.mark.parametrize(
    ("first", "second", "other"),
    [
        ((1, 2, "weights"), (1, 3, "weights"), "1_3_weights"),
        ((0, 1, "weights"), (2, 1, "weights"), "2_1_weights"),
        ((0, 0, "scaled"), (0, 0, "scores"), "0_0_scores"),
        ((0, 0, "masked"), (0, 0, "scaled"), "0_0_scaled"),
    ],
)
def test_both_numbers_of_a_cell_are_attends(opened, several, first, second, other):
    values = [getattr(several.layers[layer].steps(head), step)[5, 2] for layer, head, step in (first, second)]
    layer, head, step = first
    page = opened(several, view="matrix", layer=layer, head=head, step=step, other=other, query=5, key=2)
    assert page.texts("#readout") == [both(several, 5, 2, *values, subtracted=step == "weights")]
    assert page.page.locator("#difference-map").count() == (step == "weights")


def test_a_hidden_cell_is_said_to_be(opened, several):
    page = opened(several, view="matrix", step="masked", other="0_0_scaled", query=2, key=5)
    scaled = numbers.number(several.layers[0].steps(0).scaled[2, 5], 4)
    assert page.texts("#readout") == [f"cat @2 with cat @5: hidden in the first map, {scaled} in the second."]


CROSSED = """id => {
  const canvas = document.querySelectorAll(`#${id} canvas`)[1];
  const pen = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  return pen.getImageData(0, 0, canvas.width, canvas.height).data.join();
}"""


@pytest.mark.slow
def test_what_is_pointed_at_is_marked_in_both(opened, several):
    page = opened(several, view="matrix", other="0_1_weights", query="none", height=1000)
    assert page.page.evaluate(CROSSED, "map") == page.page.evaluate(CROSSED, "other-map")
    empty = page.page.evaluate(CROSSED, "map")
    for one, other in (("map", "other-map"), ("other-map", "map")):
        box = page.page.locator(f"#{one}").bounding_box()
        page.page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.8)
        page.until(f"({CROSSED})('{other}') !== {empty!r}")
        assert page.page.evaluate(CROSSED, one) == page.page.evaluate(CROSSED, other)
        page.page.mouse.move(5, 5)
        page.until(f"({CROSSED})('{other}') === {empty!r}")


def test_it_is_opened_changed_and_closed_with_keys(opened, several):
    page = opened(several, view="matrix", step="scaled", layer=1, head=2)
    page.page.locator("#control-beside").focus()
    page.press("Enter")
    assert "other=1_2_scores" in page.page.evaluate("location.hash")
    page.page.get_by_label("Head of the second map").select_option("0")
    page.page.get_by_label("Layer of the second map").select_option(label="Layer 2")
    page.page.get_by_label("Step of the second map").select_option(label="Weights")
    assert "other=2_0_weights" in page.page.evaluate("location.hash")
    page.page.locator("#other-map").focus()
    page.press("ArrowRight", "ArrowRight")
    values = several.layers[1].steps(2).scaled[6, 1], several.layers[2].steps(0).weights[6, 1]
    assert page.texts("#readout") == [both(several, 6, 1, *values)]
    page.page.get_by_role("button", name="Close the second map").focus()
    page.press("Enter")
    assert page.page.locator("#other-map").count() == 0
    assert "other=" not in page.page.evaluate("location.hash")


def test_of_weights_the_next_head_comes_beside(opened, several):
    page = opened(several, view="matrix", layer=1, head=3)
    page.page.locator("#control-beside").click()
    assert "other=1_0_weights" in page.page.evaluate("location.hash")


def test_of_one_head_the_step_before_comes_beside(opened):
    page = opened(trace_text("the cat sat"), view="matrix")
    page.page.locator("#control-beside").click()
    assert "other=0_0_masked" in page.page.evaluate("location.hash")


def test_both_are_saved_as_one_picture(opened, several):
    page = opened(several, view="matrix", other="2_1_weights")
    with page.page.expect_download() as download:
        page.page.locator("#save-svg").click()
    texts = [text.text for text in ElementTree.parse(download.value.path()).iter(f"{SVG}text")]
    assert {
        "Layer 0, head 0: Weights",
        "Layer 2, head 1: Weights",
        "Difference: the first map minus the second",
    } <= set(texts)
    assert texts.count("Query ↓") == texts.count("Key →") == 3
    assert texts.count("Each row: how one token shares its attention; it adds up to 1") == 2


def test_a_link_to_a_map_that_is_not_there_opens_one(opened, several):
    page = opened(several, view="matrix", other="9_1_weights")
    assert page.page.locator("#other-map").count() == 0


def test_no_short_label_is_cut_in_the_picture_that_is_saved(opened):
    """Its labels above stand on end, however short they are: they need room for their length."""
    words = ["the", "old", "man", "saw"]
    page = opened(trace_text(" ".join(words)), view="matrix")
    with page.page.expect_download() as saving:
        page.page.locator("#save-svg").click()
    texts = [text.text for text in ElementTree.parse(saving.value.path()).iter(f"{SVG}text")]
    assert [texts.count(word) for word in words] == [2] * 4


def test_of_two_texts_a_token_is_marked_where_its_partner_stands(opened):
    first, second = trace_text("the cat sat down", heads=2), trace_text("now the dog sat down", heads=2, seed=1)
    found = diff(first, second, left="0.0", right="0.1")
    page = opened(first, content=found.to_html(), query=2, key=0, height=1000)
    weights = first.layers[0].steps(0).weights[2, 0], second.layers[0].steps(1).weights[3, 1]
    left, right = (numbers.number(value, 4) for value in weights)
    apart = numbers.number(weights[0] - weights[1], 4)
    assert page.texts("#readout") == [
        f"sat with the: {left} in the first map, {right} in the second; difference {apart}."
    ]
    page.page.locator("#other-map").focus()
    page.page.keyboard.press("ArrowDown")  # from sat to down, in the second text
    page.until("document.querySelector('#readout').textContent.startsWith('down with the')")
    page.page.keyboard.press("ArrowUp")
    page.until("document.querySelector('#readout').textContent.startsWith('sat with the')")
    before = page.page.evaluate("location.hash")
    page.page.keyboard.press("ArrowUp")  # to dog, which the first text has not
    page.until("document.querySelector('#readout').textContent.startsWith('dog gives the')")
    assert page.page.evaluate("location.hash") == before


def test_a_page_of_two_traces_says_which_layer_is_whose(opened):
    found = diff(trace_text("a b c", heads=2, causal=True), trace_text("a b c", heads=2), language="en")
    page = opened(found.left.trace, content=found.to_html())
    assert page.texts("h2.of-map")[0].startswith("left · Layer 0, head ")
    [options] = [page.texts(".of-map.choices select:first-child option")]
    assert options == ["left · Layer 0", "right · Layer 0"]
    page.page.locator(".of-map.choices .tool").click()
    assert "other=none" in page.page.evaluate("location.hash")
