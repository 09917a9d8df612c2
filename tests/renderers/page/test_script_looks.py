"""How the page looks and how fast it is: nothing juts out or jumps, the first view is painted at once, hovering is smooth.

With ATTNVIZ_SCREENSHOTS=FOLDER every view is saved there, 1280 and 390 pixels wide, light and dark, to be looked at.
"""

from __future__ import annotations

import os
import statistics
from pathlib import Path

import numpy
import pytest

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.attention.arrays import to_numpy
from attnviz.renderers.shared import numbers

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

SCREENSHOTS = os.environ.get("ATTNVIZ_SCREENSHOTS")
TEXT = """The quick brown fox jumps over the lazy dog while seven wizards quietly examine a map of the old kingdom and
nobody in the village notices that the river has begun to flow uphill"""
VIEWS = (
    {"view": "overview"},
    {"view": "matrix", "head": 3, "query": 20, "key": 6, "detail": "yes"},
    {"view": "lines", "head": 3, "heads": "0.3"},
    {"view": "text", "head": 3, "query": 20},
    {"view": "steps", "head": 3, "query": 20, "stage": "weights"},
    {"view": "steps", "head": 3, "query": 20, "stage": "output"},
)
SHIFTS = """window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });"""
# When the whole first view is there, in milliseconds from the start of the page.
READY = """new MutationObserver(() => {
  if (document.getElementById("panel")?.ariaBusy === "false") window.ready ??= performance.now();
}).observe(document, { subtree: true, childList: true, attributeFilter: ["aria-busy"] });"""
# Milliseconds that the script works for each place of the pointer on its way over the map, one place in each frame: in
# the event and in what it has asked for before the next frame.
HOVER = """() => new Promise((done) => {
  const frame = document.getElementById("map");
  const box = frame.querySelector(".spacer").getBoundingClientRect();
  const [times, moves, nextFrame] = [[], 90, window.requestAnimationFrame.bind(window)];
  const timed = (work) => {
    const began = performance.now();
    work();
    times[times.length - 1] += performance.now() - began;
  };
  window.requestAnimationFrame = (work) => nextFrame((now) => timed(() => work(now)));
  const step = () => {
    if (times.length === moves) return done(times);
    const way = times.length / moves;
    const at = { clientX: box.left + box.width * (0.2 + 0.7 * way), clientY: box.top + box.height * (0.9 - 0.7 * way) };
    times.push(0);
    timed(() => frame.dispatchEvent(new PointerEvent("pointermove", { ...at, bubbles: true, pointerType: "mouse" })));
    nextFrame(step);
  };
  step();
})"""


def model(layers: int, heads: int, tokens: tuple[str, ...], dimension: int = 64) -> Trace:
    """Seeded vectors in which some heads look at the token before, some at the first, some anywhere."""
    draw, count = numpy.random.default_rng(0), len(tokens)
    angles = numpy.arange(count)[:, None] * 0.7 ** numpy.arange(dimension // 2)
    places = numpy.concatenate([numpy.cos(angles), numpy.sin(angles)], axis=1)
    made = []
    for index in range(layers):
        query, key, value = (draw.standard_normal((heads, count, dimension)).astype("float32") for _ in range(3))
        query *= 1.5
        query[::4], key[::4] = numpy.roll(places, 1, axis=0) * 2, places * 2
        query[1::4] += 0.8
        key[1::4, 0] += 1.2
        made.append(Layer(query, key, value, Rule(causal=True), index=index))
    return Trace(tokens, tuple(made), {"kind": "model", "model": "a-small-model"})


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_juts_out_and_nothing_jumps(opened, width, dark):
    page = opened(model(2, 4, tuple(TEXT.split())), width=width, height=844, dark=dark, motion="reduce")
    for number, state in enumerate(VIEWS):
        page.go(**state)
        wide = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        scroll, client = page.page.evaluate(wide)
        assert scroll <= client, state
        if SCREENSHOTS:
            page.page.wait_for_timeout(200)
            name = f"{number}-{state['view']}-{width}-{'dark' if dark else 'light'}.png"
            page.page.screenshot(path=Path(SCREENSHOTS) / name, full_page=width == 390)


BOXES = """[...document.querySelectorAll("%s")].map((one) => one.getBoundingClientRect())
  .map(({ left, right, top, bottom }) => [left, right, top, bottom])"""


@pytest.mark.parametrize("state", [{}, {"key": 2, "detail": "yes"}], ids=["steps", "arithmetic"])
def test_a_wide_window_shows_the_map_and_the_steps_side_by_side(opened, state):
    page = opened(
        trace_text("Your journey starts with one step", causal=True), width=1440, view="matrix", query=4, **state
    )
    aside = "#detail" if state else "#companion"
    [page_box], [frame], [steps] = (page.page.evaluate(BOXES % one) for one in ("#page", "#map", aside))
    assert page_box[0] == pytest.approx(1440 - page_box[1], abs=16)  # centred, but for a scroll bar
    assert frame[1] <= steps[0]  # side by side
    assert frame[2] < steps[3]
    assert steps[2] < frame[3]
    assert steps[1] - frame[0] > 0.75 * 1440
    page.page.set_viewport_size({"width": 1000, "height": 900})
    page.until("document.getElementById('companion').hidden")


@pytest.mark.slow
def test_the_steps_beside_the_map_are_of_the_query_that_is_chosen(opened):
    trace = trace_text("Your journey starts with one step", causal=True)
    page = opened(trace, width=1440, view="matrix", stage="weights")
    weights = to_numpy(trace.layers[0].steps(0).weights)
    for query in (4, 3):
        page.go(view="matrix", query=query, stage="weights")
        [words] = numbers.cells(weights[query : query + 1], 4)
        assert page.texts("#companion .row .mark") == [word if float(word) else "0" for word in words]
        assert f"looks most at {trace.tokens[int(weights[query].argmax())]}" in page.texts("#companion .story")[0]


@pytest.mark.slow
def test_the_first_view_of_a_large_page_is_there_at_once(opened):
    page = opened(model(12, 12, tuple(f"w{place}" for place in range(256))), before=SHIFTS + READY)
    paints = page.page.evaluate("performance.getEntriesByType('paint').map((entry) => entry.startTime)")
    assert max(paints) < 2000
    assert page.page.evaluate("window.ready") < 8000  # all 144 maps: a second where nothing else runs
    assert page.page.evaluate("window.shift") < 0.01


@pytest.mark.slow
def test_the_lines_of_a_long_text_do_not_hang(opened):
    page = opened(model(1, 4, tuple(f"w{place}" for place in range(1500)), 4), view="lines", heads="0.1.2.3")
    began = page.page.evaluate("performance.now()")
    page.go(view="lines", heads="0.1.2.3", scale="log")
    took = page.page.evaluate("performance.now()") - began
    assert took < 3000


@pytest.mark.slow
def test_hovering_over_512_tokens_is_smooth(opened):
    page = opened(model(1, 1, tuple(f"w{place}" for place in range(512))), view="matrix")
    times = page.page.evaluate(HOVER)
    assert statistics.median(times) <= 16  # 60 places a second
    assert page.texts("#readout")[0].startswith("w")
