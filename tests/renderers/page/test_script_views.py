"""Every view, with the mouse: what a click and a pointer do, and what stands in the address."""

from __future__ import annotations

import itertools
from dataclasses import replace
from xml.etree import ElementTree

import numpy
import pytest
from made_roles import made_role
from page_words import called
from random_traces import random_trace

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.analysis.measure import head_metrics
from attnviz.analysis.metrics import Metric
from attnviz.attention.arrays import to_numpy
from attnviz.choices import Language, MapStep
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.scale import scale_of

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

SENTENCE = "Your journey starts with one step"
SVG = "{http://www.w3.org/2000/svg}"


def test_the_overview_opens_a_head(opened, several):
    page = opened(several)
    assert page.texts(".layer h2") == ["Layer 0", "Layer 1", "Layer 2"]
    page.page.get_by_role("button", name="Layer 1, head 2", exact=True).click()
    page.page.wait_for_selector("#map")
    assert page.page.evaluate("location.hash") == "#view=matrix&layer=1&head=2"
    page.page.go_back()
    page.page.wait_for_selector(".card")
    assert page.page.locator("#tab-overview").get_attribute("aria-selected") == "true"


@pytest.mark.parametrize("metric", [Metric.ENTROPY, Metric.FIRST, Metric.PREVIOUS, Metric.INDUCTION])
def test_the_overview_sorts_by_a_metric(opened, several, metric):
    page = opened(several)
    page.page.locator("#control-sort").select_option(metric.value)
    page.page.wait_for_selector(".caption b")
    values = [
        (value, f"Layer {layer.index} · {head}")
        for layer in several.layers
        for head, value in enumerate(head_metrics(several, layer)[metric])
    ]
    values.sort(key=lambda pair: -pair[0])
    assert page.texts(".caption span:first-child") == [title for _, title in values]
    shown = [float(text) for text in page.texts(".caption b")]
    assert numpy.allclose(shown, [value for value, _ in values], atol=1e-3)


def test_a_small_map_has_the_colours_of_its_weights(opened, several):
    page = opened(several, view="overview")
    alpha = """canvas => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]
        .filter((_, place) => place % 4 === 3)"""
    painted = numpy.array(page.page.locator("canvas.thumb").nth(6).evaluate(alpha)).reshape(7, 7)
    assert (painted > 0).tolist() == numpy.tri(7, dtype=bool).tolist()


def test_pointing_at_a_cell_and_clicking_it(opened):
    trace = trace_text(SENTENCE, causal=True)
    page = opened(trace, view="matrix", height=1100)
    map_box = page.page.locator("#map").bounding_box()
    spacer = page.page.locator(".spacer").bounding_box()
    cell = 96  # of a short text
    left, top = spacer["width"] - 6 * cell, spacer["height"] - 6 * cell
    x, y = map_box["x"] + left + 1.5 * cell, map_box["y"] + top + 3.5 * cell
    weight = numbers.number(to_numpy(trace.layers[0].steps(0).weights)[3, 1], 4)
    page.page.mouse.move(x, y)
    assert page.texts("#readout") == [f"with gives journey the weight {weight}."]
    page.page.mouse.click(x, y)
    page.page.wait_for_selector(".parts")
    assert page.texts(".detail h2") == ["with looks at journey"]
    assert page.page.evaluate("location.hash").endswith("query=3&key=1&detail=yes")
    page.page.get_by_role("button", name="Close").click()
    assert page.page.locator(".detail").is_hidden()


WRITTEN = """window.written = [];
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
  window.written.push(text);
  return fillText.call(this, text, ...place);
};"""


def test_a_label_is_cut_between_signs(opened):
    sign = "👍🏽"
    vectors = numpy.ones((1, 12, 2))
    tokens = tuple("a" * count + sign * 40 for count in range(12))
    page = opened(Trace(tokens, (Layer(vectors, vectors, vectors),)), before=WRITTEN)
    cut = {text.removesuffix("…") for text in page.page.evaluate("written") if text.endswith("…")}
    assert cut
    assert {text.lstrip("a").replace(sign, "") for text in cut} == {""}


def test_a_view_that_was_left_says_no_more(opened, several):
    page = opened(several, view="matrix")
    page.page.evaluate("""() => {
      const box = document.getElementById("control-layer");
      box.value = 1;
      box.dispatchEvent(new Event("change"));
      document.getElementById("tab-overview").click();
    }""")
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert page.texts("#readout") == ["Choose a head to see its map."]


def test_zooming_and_scrolling_keep_the_tokens_in_sight(opened):
    page = opened(trace_text(" ".join(f"w{place}" for place in range(60))), view="matrix", height=600)
    before = page.page.locator(".spacer").bounding_box()["width"]
    for _ in range(6):
        page.page.get_by_role("button", name="Zoom in").click()
    assert page.page.locator(".spacer").bounding_box()["width"] > 3 * before
    page.page.locator("#map").evaluate("""frame => {
      const canvas = frame.querySelector("canvas");
      canvas.getContext("2d").reset(); // what is there then was drawn after the scrolling
      frame.scrollTo(400, 400);
    }""")
    inked = """canvas => {
        const pen = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
        pen.drawImage(canvas, 0, 0);
        const ratio = devicePixelRatio;
        const { data, width } = pen.getImageData(0, 0, canvas.width, canvas.height);
        const counts = [0, 0];
        for (let place = 3; place < data.length; place += 4) {
          const [x, y] = [(place >> 2) % width / ratio, Math.floor((place >> 2) / width) / ratio];
          if (data[place] > 100 && x < 40 && y > 60) counts[0]++;
          if (data[place] > 100 && x > 60 && y < 20) counts[1]++;
        }
        return counts; }"""
    page.until(f"Math.min(...({inked})(document.querySelector('.pinned canvas'))) > 50")
    page.page.get_by_role("button", name="Show the whole map").click()
    assert page.page.locator(".spacer").bounding_box()["width"] == pytest.approx(before, abs=2)


def test_dragging_moves_the_map_and_the_wheel_zooms(opened):
    page = opened(trace_text(" ".join(f"w{place}" for place in range(60))), view="matrix", height=600)
    box = page.page.locator("#map").bounding_box()
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2
    before = page.page.locator(".spacer").bounding_box()["width"]
    page.page.mouse.move(x, y)
    page.page.keyboard.down("Control")
    page.page.mouse.wheel(0, -600)
    page.page.keyboard.up("Control")
    page.until(f"document.querySelector('.spacer').offsetWidth > {2 * before}")
    start = page.page.evaluate("document.getElementById('map').scrollTop")
    page.page.mouse.down()
    page.page.mouse.move(x - 40, y - 80, steps=4)
    page.page.mouse.up()
    assert page.page.evaluate("document.getElementById('map').scrollTop") == pytest.approx(start + 80, abs=2)
    assert page.page.locator(".detail").is_hidden()  # it was no click


def test_lines_of_several_heads(opened, several):
    page = opened(several, view="lines", layer=2)
    page.page.get_by_role("button", name="Head 3").click()
    page.page.wait_for_selector(".head[aria-pressed=true] >> nth=1")
    assert "heads=0.3" in page.page.evaluate("location.hash")
    weights = numpy.stack([several.layers[2].steps(head).weights for head in (0, 3)])[:, 5]
    page.page.locator(".query .word").nth(5).hover()
    head, key = numpy.unravel_index(weights.argmax(), weights.shape)
    most = numbers.number(weights.max(), 4)
    looks = f"cat @5 looks at {called(several.tokens, int(key))}"
    assert page.texts("#readout") == [f"Most of all, {looks}: {most} (head {(0, 3)[head]})."]
    page.page.locator(".key .word").nth(6).click()
    assert page.page.locator(".key .word").nth(6).get_attribute("aria-selected") == "true"
    assert "key=6" in page.page.evaluate("location.hash")


def test_the_strongest_lines_are_drawn_where_there_are_too_many(opened):
    draw = numpy.random.default_rng(1)
    layer = Layer(*(draw.standard_normal((2, 200, 4)) for _ in range(3)))
    page = opened(
        Trace(tuple(f"w{place}" for place in range(200)), (layer,)),
        view="lines",
        heads="0.1",
        scale="log",
        query="none",
    )
    with page.page.expect_download() as download:
        page.page.locator("#save-svg").click()
    drawn = [float(path.get("opacity")) for path in ElementTree.parse(download.value.path()).iter(SVG + "path")]
    weights = numpy.sort(numpy.stack([layer.steps(head).weights for head in (0, 1)]).ravel())[::-1]
    tones = 1 + numpy.log10(weights / weights[0]) / 4  # of four decades below the largest
    assert len(drawn) == 20000 < (tones >= 0.015).sum()
    assert numpy.allclose(numpy.sort(drawn)[::-1], tones[:20000], atol=0.0061)


def test_equal_lines_are_left_out_all_over_the_text(opened):
    zeros = numpy.zeros((1, 200, 4))
    page = opened(
        Trace(tuple(f"w{place}" for place in range(200)), (Layer(zeros, zeros, zeros),)),
        view="lines",
        scale="log",
        query="none",
    )
    with page.page.expect_download() as download:
        page.page.locator("#save-svg").click()
    paths = [path.get("d") for path in ElementTree.parse(download.value.path()).iter(SVG + "path")]
    rows = [path.partition("C")[0] for path in paths]
    assert len(paths) == 20000
    assert {rows.count(row) for row in set(rows)} == {100}


def test_the_text_is_tinted_by_the_weights(opened, several):
    page = opened(several, view="text", layer=1, head=1)
    page.page.locator(".word").nth(4).click()
    row = several.layers[1].steps(1).weights[4]
    colours = page.page.locator(".word").evaluate_all("words => words.map((word) => word.style.backgroundColor)")
    assert [colour == "" for colour in colours] == [weight == 0 for weight in row]
    shades = [sum(map(int, colour[4:-1].split(", "))) for colour in colours[:5]]
    assert numpy.argsort(row[:5])[::-1].tolist() == numpy.argsort(shades, kind="stable").tolist()
    page.page.get_by_role("button", name="who looks at it").click()
    column = several.layers[1].steps(1).weights[:, 4]
    best = int(column.argmax())
    assert page.texts("#readout") == [
        f"Most of all, {called(several.tokens, best)} looks at the @4: {numbers.number(column[best], 4)} (head 1)."
    ]


def test_the_player_plays(opened):
    page = opened(trace_text(SENTENCE), before="")
    page.page.clock.install()
    page.page.locator("#tab-steps").click()
    titles = []
    page.page.get_by_role("button", name="Play", exact=True).click()
    for _ in range(10):
        titles += page.texts(".story h2")
        page.page.clock.run_for(2700)
    assert titles == [
        "Embeddings",
        "Query",
        "Key",
        "Value",
        "Scores",
        "Scaled",
        "Masked",
        "Weights",
        "Output",
        "Contribution",
    ]
    assert page.page.get_by_role("button", name="Play", exact=True).is_visible()
    page.page.get_by_role("button", name="One step back").click()
    assert page.texts(".story h2") == ["Output"]


def test_a_bar_of_the_steps_opens_the_arithmetic(opened):
    page = opened(trace_text(SENTENCE), view="steps", query=1, stage="scores")
    page.page.locator(".row").nth(2).click()
    page.page.wait_for_selector(".parts")
    assert page.texts(".detail h2") == ["journey looks at starts"]


def test_a_bar_of_the_steps_is_of_the_query_that_is_chosen_now(opened):
    page = opened(trace_text(SENTENCE), view="steps", query=1, stage="scores")
    page.page.locator(".queries .word").nth(4).click()
    page.page.locator(".row").nth(2).click()
    page.page.wait_for_selector(".parts")
    assert page.texts(".detail h2") == ["one looks at starts"]


def test_tokens_are_left_out_and_what_they_take_is_said(opened, several):
    weights = several.layers[0].steps(2).weights
    page = opened(several, view="matrix", head=2, query=5, key=3, first="no")
    left = f" Tokens that are not shown take {weights[5, 0]:.2f}."
    assert page.texts("#readout") == [f"cat @5 gives sat the weight {numbers.number(weights[5, 3], 4)}.{left}"]
    page.go(view="lines", special="no")
    assert len(page.texts(".query .word")) == len(page.texts(".key .word")) == 6
    page.page.locator("#control-special").check()
    assert len(page.texts(".query .word")) == 7


def test_the_threshold_and_the_scale_change_the_colours(opened, several):
    tones = "canvas => canvas.toDataURL()"
    page = opened(several, view="overview")
    seen = set()
    for state in ({}, {"scale": "log"}, {"threshold": 0.3}):
        page.go(view="overview", **state)
        seen.add(page.page.locator("canvas.thumb").nth(1).evaluate(tones))
    assert len(seen) == 3
    assert page.texts(".of-weights output") == ["0.3"]


def test_the_slider_reaches_the_weights_of_a_long_text(opened, several):
    page = opened(several, view="matrix", layer=0, head=0)
    slider = page.page.locator("#control-threshold")
    slider.focus()
    seen = []
    for _ in range(20):
        page.press("ArrowRight")
        seen.append(float(page.texts(".of-weights output")[0]))
        assert slider.get_attribute("aria-valuetext") == page.texts(".of-weights output")[0]
    assert 1e-6 < seen[0] < 2e-6
    assert all(1.05 < after / before < 1.25 for before, after in itertools.pairwise(seen))
    page.press("End")
    assert page.texts(".of-weights output") == ["1"]
    page.press("Home")
    assert page.texts(".of-weights output") == ["0"]
    page.go(view="matrix", layer=0, head=0, threshold="2e-5")
    assert page.texts(".of-weights output") == ["2e-05"]


SHADES = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(Array.from({ length: data.length / 4 }, (_, place) => data.slice(place * 4, place * 4 + 3).join())).size;
}"""


def test_a_logarithmic_scale_ends_with_a_needle_as_the_picture_s_does(opened):
    """One weight of 1 among ten thousand: the largest has a colour of its own."""
    key = numpy.zeros((1, 100, 2))
    key[0, 7, 0] = 30
    query = numpy.zeros((1, 100, 2))
    query[0, 50, 0] = 1
    trace = Trace(tuple(f"w{place}" for place in range(100)), (Layer(query, key, key, Rule(scale=1.0)),))
    page = opened(trace, view="matrix", scale="log")
    assert page.page.locator(".legend > span").all_text_contents()[3] == "1"
    assert scale_of(list(trace.layers[0].steps().weights), MapStep.WEIGHTS).high == 1


def test_a_logarithmic_scale_begins_where_the_weights_do(opened):
    """Each query gives nearly all to itself, and to the others about a hundred thousandth each."""
    count = 100
    bias = -11 + numpy.random.default_rng(0).standard_normal((count, count))
    bias[numpy.diag_indices(count)] = 0
    trace = Trace(
        tuple(f"w{place}" for place in range(count)), (Layer(*[numpy.zeros((1, count, 2))] * 3, Rule(bias=bias)),)
    )
    page = opened(trace, view="overview", scale="log")
    assert page.page.locator("canvas.thumb").first.evaluate(SHADES) > 60
    page.go(view="matrix", scale="log")
    low, _, high = page.page.locator(".legend > span").all_text_contents()[1:4]
    assert (low[:2], high) == ("≤ ", "1")
    assert numpy.quantile(trace.layers[0].steps(0).weights, 0.01) == pytest.approx(float(low[2:]), rel=0.05)
    page.go(view="text", scale="log", query=count - 1)
    tinted = page.page.locator(".word").evaluate_all("words => words.filter((one) => one.style.backgroundColor).length")
    assert tinted > 90


def test_every_view_is_saved_as_a_picture(opened, several):
    page = opened(several)
    for view in ("overview", "matrix", "lines", "text", "steps"):
        page.go(view=view, query=4, layer=1)
        saved = {}
        for form in ("svg", "png"):
            with page.page.expect_download() as download:
                page.page.locator(f"#save-{form}").click()
            assert download.value.suggested_filename == f"attention-{view}.{form}"
            saved[form] = download.value.path().read_bytes()
        picture = ElementTree.fromstring(saved["svg"])
        texts = {text.text for text in picture.iter(SVG + "text")}
        assert texts & {"cat", "Layer 1, head 2"}
        assert saved["png"].startswith(b"\x89PNG")


def test_layers_of_the_same_title_have_addresses_of_their_own(opened):
    draw = numpy.random.default_rng(0)
    layers = tuple(Layer(*(draw.standard_normal((1, 2, 4)) for _ in range(3))) for _ in range(3))
    page = opened(Trace(("a", "b"), layers), view="matrix", layer="0.3")
    assert page.page.locator("#control-layer").input_value() == "2"
    page.page.locator("#control-layer").select_option("1")
    assert "layer=0.2" in page.page.evaluate("location.hash")
    page.page.reload()
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert page.page.locator("#control-layer").input_value() == "1"


def test_another_mouse_button_opens_nothing(opened):
    page = opened(trace_text(SENTENCE), view="matrix")
    box = page.page.locator("#map").bounding_box()
    for button in ("right", "middle"):
        page.page.mouse.click(box["x"] + 150, box["y"] + 150, button=button)
    assert "query=" not in page.page.evaluate("location.hash")
    page.page.mouse.click(box["x"] + 150, box["y"] + 150)
    page.page.wait_for_selector(".parts")


def test_a_link_with_nonsense_is_read_as_far_as_it_makes_sense(opened, several):
    page = opened(
        several, view="matrix", layer=99, head="x", query=1000, key=-1, scale="<b>", threshold=7, step="output"
    )
    assert page.texts("#readout") == ["Point at a cell; click it or press Enter to see its arithmetic."]
    assert page.page.locator("#control-layer").input_value() == "0"


def test_a_page_without_special_tokens_opens_so_and_can_bring_them_back(opened, several):
    page = opened(several, selected={"skip_special": True}, view="text", layer=0, head=0)
    assert "<s>" not in page.texts("main")[0]
    page.page.get_by_role("checkbox", name="special tokens").check()
    assert "<s>" in page.texts("main")[0]


@pytest.mark.parametrize("language", Language)
def test_a_head_wears_its_role_and_its_evidence(opened, several, language):
    page = opened(replace(several, roles=(made_role(layer=1, head=2),)), lang=language.value)
    worn = {Language.EN: "syntax (proved)", Language.VI: "cú pháp (đã chứng minh)"}[language]
    [card] = page.page.locator(".card", has=page.page.locator(".role")).all()
    assert card.locator(".caption > span").first.inner_text().endswith(f" 2 · {worn}")
    evidence = card.get_attribute("title")
    assert "99 %" in evidence
    card.click()
    page.page.wait_for_selector("#map")
    assert page.texts("#evidence") == [evidence]
    assert worn in page.page.locator("#map").get_attribute("aria-label")
    assert page.page.locator("#control-head option:checked").inner_text() == f"2 · {worn}"
    page.page.locator("#control-head").select_option("1")
    page.page.wait_for_selector("#evidence", state="detached")


def test_the_patches_of_an_image_lie_in_their_grid(opened):
    tokens = ("[CLS]", *(f"{row},{column}" for row in range(4) for column in range(5)))
    trace = Trace(tokens, random_trace(1, 2, 21, 8).layers)
    page = opened(trace, view="text", query=7)
    boxes = page.page.locator(".patches .word").evaluate_all(
        "(words) => words.map((word) => [word.offsetLeft, word.offsetTop])"
    )
    lefts, tops = sorted({left for left, _ in boxes}), sorted({top for _, top in boxes})
    assert (len(lefts), len(tops)) == (5, 5)
    assert boxes[0] == [lefts[0], tops[0]]
    assert boxes[1:] == [[left, top] for top in tops[1:] for left in lefts]
    with page.page.expect_download() as saved:
        page.page.locator("#save-svg").click()
    assert saved.value.path().read_text("utf-8").count("<text") == 22
    page.go(view="text", query=7, first="no", special="no")
    assert page.page.locator(".patches .word").count() == 21
