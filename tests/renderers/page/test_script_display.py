"""What a page needs to be read: contrast in every view, on paper, and where the system forces its colours on it."""

from __future__ import annotations

import pytest

from attnviz import trace_text

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

SENTENCE = "Your journey starts with one step"
LONG = " ".join(f"word{place}" for place in range(70))
STATES = (
    {"view": "overview"},
    {"view": "overview", "sort": "entropy"},
    {"view": "matrix", "query": 4, "key": 2, "detail": "yes"},
    {"view": "matrix", "query": 4, "step": "masked"},
    *({"view": "lines", "heads": "0.1", side: place} for side in ("query", "key") for place in (1, 5)),
    *({"view": "text", side: 5, "towards": towards} for side, towards in (("query", "no"), ("key", "yes"))),
    {"view": "text", "query": 5, "scale": "log"},
    *(
        {"view": "steps", "query": 5, "stage": stage}
        for stage in ("embeddings", "query", "masked", "weights", "output")
    ),
)
LEAST = 4.5  # WCAG 2.1, 1.4.3
# Every text that is seen with less contrast to its ground than `least`: its colour over the grounds of all that it stands in.
FAINT = """(least) => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const numbers = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
    return { channels: [red, green, blue], alpha: alpha / 255 };
  };
  const over = (top, ground) => top.channels.map((one, place) => one * top.alpha + ground[place] * (1 - top.alpha));
  const light = (channels) => {
    const [red, green, blue] = channels.map((one) => one / 255)
      .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const found = [];
  const walker = document.createTreeWalker(document.getElementById("page"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest(":disabled, .unseen")) continue;
    const around = [];
    for (let one = element; one; one = one.parentElement) around.unshift(one);
    const paper = matchMedia("print").matches;
    const ground = around.reduce((under, one) => {
      const style = getComputedStyle(one);
      const kept = !paper || style.printColorAdjust === "exact"; // a printer leaves out the other grounds
      return kept ? over(numbers(style.backgroundColor), under) : under;
    }, [255, 255, 255]);
    const own = over(numbers(getComputedStyle(element).color), ground);
    const [more, less] = [light(own), light(ground)].sort((one, other) => other - one);
    const contrast = (more + 0.05) / (less + 0.05);
    if (contrast < least) found.push(`${walker.currentNode.data.slice(0, 30)}: ${contrast.toFixed(2)}`);
  }
  return found;
}"""
# What reaches beyond the box that shows it.
CUT = """[...document.querySelectorAll("#page *")].filter((one) => one.checkVisibility() && one.clientWidth
  && getComputedStyle(one).overflow !== "visible" && getComputedStyle(one).textOverflow !== "ellipsis"
  && (one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1)
  && !one.matches(".unseen")).map((one) => `${one.tagName} ${one.className}`)"""
A4 = 688  # CSS pixels between the margins


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("lang", ["en", "vi"])
def test_every_text_has_contrast(opened, dark, lang):
    page = opened(trace_text(SENTENCE, heads=2, causal=True), dark=dark, lang=lang, motion="reduce", width=1440)
    for state in STATES:
        page.go(**state)
        assert page.page.evaluate(FAINT, LEAST) == [], state


def test_the_strongest_tint_of_the_lines_can_be_read_in_the_dark(opened):
    page = opened(trace_text(SENTENCE, causal=True), dark=True, view="lines", query=0)
    assert page.page.evaluate(FAINT, LEAST) == []
    assert page.page.evaluate(FAINT, 5.2) != []  # it is a strong one


PRINTED = ({"view": "overview"}, *STATES[2:6], {"view": "text", "query": 60}, {"view": "steps", "query": 60})


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("state", PRINTED, ids=lambda state: f"{state['view']}-{state.get('query')}")
def test_on_paper_nothing_is_cut_and_nothing_white(opened, dark, state):
    page = opened(trace_text(LONG, heads=2, causal=True), dark=dark, motion="reduce", before="", **state)
    page.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.page.emulate_media(media="print")
    page.page.set_viewport_size({"width": A4, "height": 1000})
    assert page.page.evaluate(FAINT, LEAST) == []
    assert page.page.evaluate(CUT) == []
    assert page.page.evaluate("document.documentElement.scrollWidth") <= A4
    assert not page.page.locator("#tab-text").is_visible()
    page.page.emulate_media(media="screen")
    page.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.page.locator("html").get_attribute("data-theme") == ("dark" if dark else "light")
    assert page.page.locator(".on-paper").count() == 0


@pytest.mark.slow
def test_a_map_is_printed_whole(opened):
    """All 70 rows, of which a window shows some, in the colours of paper."""
    page = opened(trace_text(LONG, causal=True), dark=True, view="matrix", before="")
    for _ in range(6):
        page.page.get_by_role("button", name="Zoom in").click()
    page.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    corners = page.page.locator(".on-paper canvas").evaluate("""(canvas) => {
      const pen = canvas.getContext("2d");
      const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
      const dark = [];
      for (let place = 0; place < data.length; place += 4)
        if (data[place] + data[place + 1] + data[place + 2] < 150) dark.push(place / 4);
      const ys = dark.map((place) => Math.floor(place / canvas.width));
      return { first: data.slice(0, 3).join(), rows: ys.reduce((most, y) => Math.max(most, y), 0) / canvas.height };
    }""")
    assert corners["first"] == "255,255,255"
    assert corners["rows"] > 0.8  # the first token's weights reach down to the last row, and the legend is below
    page.page.emulate_media(media="print")
    assert not page.page.locator("#map").is_visible()


# What the script colours: the grounds of tokens and of the cells of vectors, and what is painted most.
COLOURED = """async () => {
  const grounds = [...document.querySelectorAll("#panel .word, .strip i, .swatch")].map((one) => one.style.backgroundColor);
  const pictures = [...document.querySelectorAll("canvas.thumb, canvas.bars")].map((one) => {
    const counts = new Map();
    const copy = Object.assign(document.createElement("canvas"), { width: one.width, height: one.height });
    const pen = copy.getContext("2d", { willReadFrequently: true });
    pen.drawImage(one, 0, 0);
    const { data } = pen.getImageData(0, 0, one.width, one.height);
    for (let place = 0; place < data.length; place += 4) {
      const colour = data.slice(place, place + 4).join();
      if (data[place + 3]) counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    return [...counts].sort((one, other) => other[1] - one[1]).slice(0, 3).map(([colour]) => colour).sort().join(" ");
  });
  return [...grounds, ...pictures];
}"""


def _awaited(page, expected, tries=60):
    """The colours as soon as they are as ``expected``, or those after some seconds."""
    for _ in range(tries):
        colours = page.evaluate(COLOURED)
        if expected(colours):
            break
        page.wait_for_timeout(50)
    return colours


@pytest.mark.slow
@pytest.mark.parametrize("event", [True, False])
@pytest.mark.parametrize(
    "state",
    [
        {"view": "overview"},
        {"view": "text", "query": 5},
        {"view": "steps", "stage": "query"},
        {"view": "steps", "stage": "output"},
        {"view": "matrix", "query": 5, "key": 3, "detail": "yes"},
    ],
    ids=lambda state: f"{state['view']}-{state.get('stage')}",
)
def test_on_paper_all_has_the_colours_of_paper(opened, state, event):
    """In the dark as in the light, also where a tool changes the medium alone; and on the screen it is dark again."""
    shown = {}
    for dark in (False, True):
        page = opened(trace_text(SENTENCE, heads=2, causal=True), dark=dark, motion="reduce", before="", **state)
        page.page.wait_for_timeout(50)  # bars are drawn for the next frame
        seen = page.page.evaluate(COLOURED)
        if event:
            page.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.page.emulate_media(media="print")
        page.page.wait_for_timeout(300)
        printed = page.page.evaluate(COLOURED)
        if dark:  # a busy machine takes its time
            printed = _awaited(page.page, lambda colours: colours == shown[False][1])
        shown[dark] = seen, printed
        page.page.emulate_media(media="screen")
        page.page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.page.wait_for_selector("#panel[aria-busy=false]")
        assert _awaited(page.page, lambda colours: colours[: len(seen)] == seen)[: len(seen)] == seen  # noqa: B023
    assert len(set(shown[False][1])) > 1
    assert shown[True][0] != shown[False][0]
    assert shown[True][1] == shown[False][1]


SHOWN = """(selector) => [...document.querySelectorAll(selector)].map((one) => {
  const style = getComputedStyle(one);
  return [style.color, style.backgroundColor, style.borderBottomColor].join();
})"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "chosen", "others"),
    [
        ({"view": "matrix"}, ".segments [aria-pressed=true]", ".segments [aria-pressed=false]"),
        ({"view": "matrix"}, ".tabs [aria-selected=true]", ".tabs [aria-selected=false]"),
        ({"view": "lines", "heads": "0"}, ".head[aria-pressed=true]", ".head[aria-pressed=false]"),
        ({"view": "lines", "query": 2}, ".query .word[aria-selected=true]", ".query .word[aria-selected=false]"),
        ({"view": "text", "query": 2}, ".word[aria-selected=true]", ".word[aria-selected=false]"),
        ({"view": "steps", "query": 2, "stage": "masked"}, ".stage[aria-current]", ".stage:not([aria-current])"),
    ],
)
def test_forced_colours_tell_what_is_chosen(opened, state, chosen, others):
    page = opened(trace_text(SENTENCE, heads=2, causal=True), before="")
    page.page.emulate_media(forced_colors="active")
    page.go(**state)
    own, rest = page.page.evaluate(SHOWN, chosen), page.page.evaluate(SHOWN, others)
    assert own
    assert rest
    assert set(own).isdisjoint(rest)


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_forced_colours_keep_what_is_a_number(opened, dark):
    page = opened(trace_text(SENTENCE, heads=2, causal=True), dark=dark, before="")
    page.page.emulate_media(forced_colors="active", color_scheme="dark" if dark else "light")
    ground = "getComputedStyle(document.body.parentElement).backgroundColor"
    for state, selector in (
        ({"view": "steps", "query": 5, "stage": "weights"}, ".fill"),
        ({"view": "steps", "query": 5, "stage": "output"}, ".strip i"),
        ({"view": "text", "query": 5}, ".word"),
    ):
        page.go(**state)
        grounds = {one.split("rgb")[2] for one in page.page.evaluate(SHOWN, selector)}
        assert grounds != {page.page.evaluate(ground).removeprefix("rgb")}, state
    for state in STATES:
        page.go(**state)
        assert page.page.evaluate(FAINT, LEAST) == [], state
