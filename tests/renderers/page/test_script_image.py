"""The tab with the image, in the browser: patches are chosen, the others are tinted where they lie."""

from __future__ import annotations

import json

import numpy
import pytest
from pictured import bright, grid_boxes, pictured_trace

from attnviz.attention.arrays import to_numpy
from attnviz.renderers.on_image.contour import contour
from attnviz.renderers.on_image.heat import heat
from attnviz.renderers.page import bundle

pytestmark = pytest.mark.slow  # CI goes through it

PICTURE = bright((30, 20), (0, 0, 30, 20))


PIXELS = """const one = document.querySelector(".framed canvas");
  const copy = Object.assign(document.createElement("canvas"), { width: one.width, height: one.height });
  const context = copy.getContext("2d");
  context.drawImage(one, 0, 0);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
"""


# How dark the canvas is at pixels of the picture, of 30 × 20.
DARKNESS = f"""(places) => {{ {PIXELS}
  return places.map(([x, y]) => {{
    const place = 4 * (Math.round((y * one.height) / 20) * one.width + Math.round((x * one.width) / 30));
    return 765 - data[place] - data[place + 1] - data[place + 2];
  }});
}}"""


def darkness(page, places):
    return page.evaluate(DARKNESS, places)


def test_the_page_opens_with_the_image_and_a_click_chooses_a_patch(opened):
    trace = pictured_trace()
    opened_page = opened(trace, image=PICTURE, smooth="no")
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


# What heat.js and contour.js make of boxes and weights, in this very page.
DRAWN = """([boxes, weights, width, height, columns, rows, smooth, shares]) => {
  %s
  const values = module_heat.heatOf(boxes, weights, { width, height }, columns, rows, smooth);
  const lines = shares.map((share) => module_contour.contourOf(values, columns, rows, share));
  return JSON.stringify([Array.from(values, (value) => (Number.isNaN(value) ? null : value)), lines]);
}"""


def drawn(page, boxes, weights, size, shape, smooth, shares=()):
    """The map of the page's script, (rows, columns), and its lines."""
    sources = {name: (bundle.FOLDER / "script" / f"{name}.js").read_text("utf-8") for name in ("heat", "contour")}
    modules = "\n".join(bundle.as_function(name, source) for name, source in sources.items())
    given = [boxes.tolist(), weights.tolist(), *size, *shape[::-1], smooth, list(shares)]
    values, lines = json.loads(page.page.evaluate(DRAWN % modules, given))
    return numpy.array(values, dtype=float).reshape(shape), lines


def test_the_script_says_the_map_of_weights_and_its_lines_again(opened):
    page, random = opened(pictured_trace(), image=PICTURE), numpy.random.default_rng(1)
    whole = grid_boxes(4, 6, 5.0)
    over = numpy.concatenate([[[0.0, 0.0, 30.0, 20.0]], whole[::3]])
    for boxes in (whole, whole[random.permutation(24)[:15]], whole + 0.3, over):
        weights = random.dirichlet(numpy.ones(len(boxes)))
        for smooth in (True, False):
            mine = heat(boxes, weights, (30, 20), (46, 61), smooth)
            values, lines = drawn(page, boxes, weights, (30, 20), (46, 61), smooth, (0.5, 0.8))
            numpy.testing.assert_allclose(values, mine, rtol=1e-9, atol=1e-12)
            for share, theirs in zip((0.5, 0.8), lines, strict=True):
                assert length(theirs) == pytest.approx(length(contour(mine, share)), rel=1e-6)


def length(lines):
    return sum(float(numpy.linalg.norm(numpy.diff(numpy.asarray(line), axis=0), axis=1).sum()) for line in lines)


def test_a_line_goes_on_around_its_part(opened):
    """Else a dashed one would begin again at each pixel."""
    boxes = grid_boxes(4, 6, 5.0)
    weights = numpy.full(24, 0.01)
    weights[8] = 1 - weights.sum() + 0.01
    _, ((line,),) = drawn(opened(pictured_trace(), image=PICTURE), boxes, weights, (30, 20), (40, 60), False, (0.5,))
    assert line[0] == line[-1]
    assert numpy.ptp(line, axis=0) == pytest.approx([5 / 30, 5 / 20], abs=0.05)


def test_colours_lines_and_opacity_are_chosen(opened):
    page = opened(pictured_trace(), image=PICTURE)
    smooth = darkness(page.page, [(9, 9)])
    page.page.get_by_role("button", name="one colour each").click()
    page.until("location.hash.includes('smooth=no') && document.getElementById('panel').ariaBusy === 'false'")
    assert darkness(page.page, [(9, 9)]) != smooth
    page.page.locator("#control-opacity").fill("0")
    page.until("location.hash.includes('opacity=0') && document.getElementById('panel').ariaBusy === 'false'")
    assert max(darkness(page.page, [(5, 5), (15, 15), (25, 5)])) == 0  # the picture is white
    page.page.locator("#control-contour").select_option("50_80")
    page.until("location.hash.includes('contour=50_80') && document.getElementById('panel').ariaBusy === 'false'")
    assert page.page.evaluate(f"() => {{ {PIXELS} return data.some((one) => one < 40); }}")  # the black of a line
