"""What the page says in words, where it speaks of what is held or what is missing, and where the focus goes."""

from __future__ import annotations

import base64
from dataclasses import replace
from xml.etree import ElementTree

import numpy
import pytest
from page_words import called

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.shared import numbers
from attnviz.trace.generation import Generation

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

SVG = "{http://www.w3.org/2000/svg}"


def most(trace, layer, heads, query):
    weights = numpy.stack([trace.layers[layer].steps(head).weights[query] for head in heads])
    place, key = numpy.unravel_index(weights.argmax(), weights.shape)
    best = numbers.number(weights.max(), 4)
    query, key = called(trace.tokens, query), called(trace.tokens, int(key))
    return f"Most of all, {query} looks at {key}: {best} (head {heads[place]})."


def test_lines_speak_of_the_held_token_of_what_is_shown(opened, several):
    page = opened(several, view="text", layer=1, head=1, query=4)
    page.go(view="lines", layer=1, head=1, query=4)
    assert page.texts("#readout") == [most(several, 1, [1], 4)]
    page.page.get_by_role("button", name="Head 3").click()
    page.page.wait_for_selector(".head[aria-pressed=true] >> nth=1")
    assert page.texts("#readout") == [most(several, 1, [1, 3], 4)]
    page.go(view="lines", layer=0, head=2, query=3)
    assert page.texts("#readout") == [most(several, 0, [2], 3)]
    page.go(view="lines", layer=0, head=2, query=3, threshold=1)
    assert page.texts("#readout") == ["sat looks at nothing that is shown."]
    page.go(view="lines", layer=0, head=2, query=0, special="no")
    assert page.texts("#readout") == ["Point at a token to see only its lines; click it to keep them."]


def test_a_page_of_weights_says_why_there_is_no_arithmetic(opened, several):
    page = opened(several, limits=Limits(computed_part=0), view="matrix", layer=1, head=2, query=3, key=1)
    page.page.locator("#map").focus()
    page.press("Enter")
    page.page.wait_for_selector("#panel .note")
    assert page.texts("#panel .note")[0].endswith("For this head: --layer 1 --head 2.")
    page.go(view="steps", layer=1, head=3)
    assert page.texts("#panel .note")[0].endswith("For this head: --layer 1 --head 3.")
    assert page.texts(".controls .control") == []


def test_steps_say_what_the_keys_without_a_bar_share(opened):
    page = opened(trace_text(" ".join(f"w{place}" for place in range(282))), view="steps", stage="weights")
    said = page.texts(".rest")[0]
    weights = sorted(trace_text(" ".join(f"w{place}" for place in range(282))).layers[0].steps(0).weights[-1])
    assert said == f"82 more Keys share the weight {float(sum(weights[:82])):.2f}."


def test_steps_speak_of_one_key_without_a_bar_as_of_one(opened):
    page = opened(trace_text(" ".join(f"w{place}" for place in range(201))), view="steps", stage="weights")
    assert page.texts(".rest")[0].startswith("1 more Key has the weight ")


@pytest.mark.parametrize(
    ("probabilities", "lang", "told"),
    [((0.412,), "en", "then it chose ran (41 %)"), ((), "vi", "rồi mô hình chọn ran")],
)
def test_what_a_model_chose_last_stands_below_the_text(opened, several, probabilities, lang, told):
    page = opened(replace(several, generation=Generation(("ran",), probabilities)), lang=lang, view="text")
    assert page.texts(".title .choice") == [told]
    assert page.texts(".title .choice bdi") == ["ran"]


def saved(page, form="svg"):
    with page.page.expect_download() as download:
        page.page.locator(f"#save-{form}").click()
    return ElementTree.fromstring(download.value.path().read_text(encoding="utf-8"))


def test_signed_bars_are_saved_from_their_zero(opened, several):
    page = opened(several, view="steps", layer=0, head=0, query=5, stage="scores", motion="reduce")
    scores = several.layers[0].steps(0).scores[5]
    bars = [
        [float(rect.get(name)) for name in ("x", "width")] for rect in saved(page).iter(f"{SVG}rect") if rect.get("x")
    ]
    zero, half = 184 + 190, 190 / abs(scores).max()
    assert numpy.allclose(
        [x if score > 0 else x + width for score, (x, width) in zip(scores, bars, strict=True)], zero, atol=0.1
    )
    assert numpy.allclose([width for _, width in bars], abs(scores) * half, atol=0.1)


def test_the_saved_output_holds_its_values(opened, several):
    page = opened(several, view="steps", layer=0, head=0, query=5, stage="output")
    strips = len(page.page.locator(".strip").all())
    assert len([rect for rect in saved(page).iter(f"{SVG}rect") if rect.get("x")]) == strips * 8


def test_the_map_takes_the_room_of_the_window(opened, several):
    page = opened(several, view="matrix", layer=0, head=0, height=800)
    box = page.page.locator("#map").bounding_box()
    assert 0 <= 800 - 52 - box["y"] - box["height"] < 12
    assert box["height"] > 0.45 * 800  # the text that is read, with its sentence, stands above it
    controls = page.page.locator(".controls .control").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().top)"
    )
    assert len(set(controls)) <= 2


def test_the_crosshair_leaves_the_cells_their_colours(opened, several):
    page = opened(several, view="matrix", layer=0, head=0, query=3, key=1)
    inside = page.page.locator(".pinned canvas").last.evaluate("""(canvas) => {
        const pen = canvas.getContext("2d"), ratio = devicePixelRatio;
        const { data, width } = pen.getImageData(0, 0, canvas.width, canvas.height);
        let painted = 0;
        for (let place = 3; place < data.length; place += 4) {
          const [x, y] = [(place >> 2) % width / ratio, Math.floor((place >> 2) / width) / ratio];
          if (x > 110 && y > 110 && data[place]) painted++;
        }
        return painted / ((width / ratio) * (canvas.height / ratio));
    }""")
    assert 0 < inside < 0.03


def test_the_focus_stays_where_one_can_go_on(opened, several):
    page = opened(several)
    page.page.locator(".card").nth(2).focus()
    page.press("Enter")
    page.page.wait_for_selector("#map")
    assert page.page.evaluate("document.activeElement.id") == "map"
    page.page.go_back()
    page.page.wait_for_selector(".card")
    assert page.page.evaluate("document.activeElement.id") == "tab-overview"


def test_a_text_without_its_first_key_stays_one_list(opened, several):
    page = opened(several, view="text", layer=0, head=0, query=4, first="no")
    assert page.texts(".word") == list(several.tokens)
    colours = page.page.locator(".word").evaluate_all("words => words.map((word) => word.style.backgroundColor)")
    assert colours[0] == ""
    assert any(colours[1:5])


def test_what_does_nothing_to_scores_is_disabled(opened, several):
    page = opened(several, view="matrix", layer=0, head=0, step="masked")
    assert page.page.locator("#control-threshold").is_disabled()
    assert page.page.get_by_role("button", name="logarithmic").is_disabled()
    page.page.locator("#control-step").select_option("weights")
    assert page.page.locator("#control-threshold").is_enabled()
    assert page.page.locator("#control-threshold").get_attribute("max") == "1"


def test_the_heading_and_the_address_say_what_is_shown(opened, several):
    page = opened(several, view="matrix", layer=7, head=1, query=99, special="no", scale="cubic")
    assert page.page.evaluate("location.hash") == "#view=matrix&layer=0&head=1&special=no"
    assert page.texts("h1") == ["the cat sat the cat ran "]
    page.page.locator("#control-special").check()
    assert page.texts("h1") == ["<s> the cat sat the cat ran "]


DISTINCT = """() => [...document.querySelectorAll(".head .dot")].map((dot) => dot.style.background)"""


@pytest.mark.parametrize("dark", [False, True])
def test_every_head_has_lines_of_its_own(opened, dark):
    draw = numpy.random.default_rng(1)
    trace = Trace(("a", "b", "c"), (Layer(*(draw.standard_normal((40, 3, 2)) for _ in range(3)), Rule()),))
    page = opened(trace, view="lines", dark=dark)
    assert len(set(page.page.evaluate(DISTINCT))) == 40
    assert not page.page.locator(".head .dot").nth(15).evaluate("dot => dot.classList.contains('dashed')")


def test_diffuse_lines_are_as_opaque_as_their_largest(opened):
    trace = Trace(tuple(f"w{place}" for place in range(200)), (Layer(*[numpy.zeros((1, 200, 2))] * 3, Rule()),))
    page = opened(trace, view="lines", query=7)
    assert page.texts(".opaque") == ["The most opaque line stands for the weight 0.005."]
    lines = list(saved(page).iter(f"{SVG}path"))
    assert len(lines) == 200
    assert {line.get("opacity") for line in lines} == {"1"}


def test_the_saved_map_is_made_of_shapes_and_says_its_scale(opened, several):
    long = (*several.tokens[:-1], "Donaudampfschifffahrtsgesellschaftskapitän")
    page = opened(Trace(long, several.layers), view="matrix", layer=0, head=1, step="masked")
    picture = saved(page)
    assert not list(picture.iter(f"{SVG}image"))
    cells = [rect for group in picture.iter(f"{SVG}g") for rect in group.iter(f"{SVG}rect")]
    assert len(cells) == 28  # nothing where a cell is hidden
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert texts[0] == "Layer 0, head 1: Masked"
    assert "hidden cells" in texts
    assert any(text.startswith("Donau") and text.endswith("…") for text in texts)
    page.go(view="overview", sort="entropy")
    picture = saved(page)
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert texts[0] == "Overview: entropy"
    hatched = [rect for rect in picture.iter(f"{SVG}rect") if rect.get("fill").startswith("url(#hatch-")]
    assert len(hatched) == 12
    assert set(page.texts(".caption b")) <= set(texts)


def test_a_large_saved_map_is_a_bitmap_that_no_viewer_blurs(opened):
    trace = Trace(tuple(f"w{place}" for place in range(120)), (Layer(*[numpy.zeros((1, 120, 2))] * 3, Rule()),))
    image = next(saved(opened(trace, view="matrix")).iter(f"{SVG}image"))
    header = base64.b64decode(image.get("href").split(",")[1])
    assert int.from_bytes(header[16:20], "big") >= 1600


TAP = """(at) => { for (const name of ["pointerdown", "pointerup"]) document.getElementById("map").dispatchEvent(
    new PointerEvent(name, { clientX: at[0], clientY: at[1], pointerType: "touch", bubbles: true })); }"""
PINCH = """(by) => {
  const map = document.getElementById("map");
  const box = map.getBoundingClientRect();
  const touch = (identifier, clientX) => new Touch({ identifier, target: map, clientX, clientY: box.top + 200 });
  const fingers = (name, apart) => map.dispatchEvent(new TouchEvent(name, { cancelable: true, bubbles: true,
    touches: [touch(0, box.left + 150 - apart), touch(1, box.left + 150 + apart)] }));
  fingers("touchstart", 20);
  fingers("touchmove", 20 * by);
}"""


def test_a_finger_names_a_cell_before_it_opens_the_arithmetic(opened, several):
    page = opened(several, view="matrix", layer=0, head=0, width=390, height=844)
    box = page.page.locator("#map").bounding_box()
    at = [box["x"] + box["width"] * 0.3, box["y"] + box["height"] - 12]
    page.page.evaluate(TAP, at)
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert page.texts("#readout")[0].startswith("ran gives")
    assert page.texts("#readout")[0].endswith("Tap it again to see its arithmetic.")
    assert page.page.locator(".detail").is_hidden()
    assert page.page.evaluate("scrollY") == 0
    page.page.evaluate(TAP, at)
    page.page.wait_for_selector(".parts")


def test_two_fingers_zoom_the_map(opened, several):
    page = opened(several, view="matrix", layer=0, head=0, width=390, height=844)
    before = page.page.locator(".spacer").bounding_box()["width"]
    page.page.evaluate(PINCH, 2)
    assert page.page.locator(".spacer").bounding_box()["width"] > 1.5 * before
    assert page.page.locator(".detail").is_hidden()


def test_a_finger_has_room(opened, several):
    page = opened(several, width=390, height=844)
    for view in ("matrix", "lines", "text", "steps"):
        page.go(view=view, layer=0, head=0)
        small = page.page.locator("button, select, .word").evaluate_all(
            "all => all.filter((one) => one.offsetHeight && one.offsetHeight < 40).map((one) => one.outerHTML)"
        )
        assert small == []


def test_the_chosen_token_of_the_steps_is_in_sight(opened):
    """On a narrow screen the words scroll in a box of their own, and the page stays where it is."""
    page = opened(trace_text(" ".join(f"word{place}" for place in range(60))), view="steps", width=390, height=844)
    for query in (59, 0, 30):
        page.go(view="steps", query=query)
        box = page.page.locator(".queries").bounding_box()
        word = page.page.locator(".queries .word").nth(query).bounding_box()
        assert box["y"] <= word["y"]
        assert word["y"] + word["height"] <= box["y"] + box["height"]
        assert page.page.evaluate("scrollY") == 0
