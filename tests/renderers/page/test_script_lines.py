"""Lines of long texts: only the tokens near what is in sight are in the page, and of each line what can be seen of it."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Rule, Trace

pytestmark = pytest.mark.slow
COUNT, ROW = 400, 26
# Of the Queries: their positions among how many, as assistive technology is told, and those that can be seen in the frame.
QUERIES = """(() => {
  const frame = document.querySelector('.joined').getBoundingClientRect();
  const all = [...document.querySelectorAll('.query .word')];
  const isSeen = (one) => {
    const box = one.getBoundingClientRect();
    return box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
  };
  return {
    names: all.map((one) => one.textContent),
    numbers: all.map((one) => Number(one.ariaPosInSet)),
    sizes: [...new Set(all.map((one) => Number(one.ariaSetSize)))],
    tabs: all.filter((one) => one.tabIndex === 0).map((one) => one.textContent),
    seen: all.filter(isSeen).map((one) => one.textContent),
    room: Math.floor(frame.height / 26),
    chosen: all.filter((one) => one.ariaSelected === 'true').map((one) => one.textContent),
    focus: document.activeElement.textContent,
  };
})()"""
SCROLL = "document.querySelector('.joined').scrollTop = %d"
# Each line as it is drawn: where it begins, and the three points that bezierCurveTo is given.
HEARD = """window.curves = [];
let begun = null;
const { moveTo, bezierCurveTo, clearRect } = CanvasRenderingContext2D.prototype;
Object.assign(CanvasRenderingContext2D.prototype, {
  clearRect(...box) { if (this.canvas.closest(".held")) curves.length = 0; clearRect.apply(this, box); },
  moveTo(...point) { begun = point; moveTo.apply(this, point); },
  bezierCurveTo(...points) { curves.push([...begun, ...points]); bezierCurveTo.apply(this, points); },
});"""


@pytest.fixture(scope="module")
def long() -> Trace:
    draw = numpy.random.default_rng(3)
    arrays = (draw.standard_normal((2, COUNT, 8)) for _ in range(3))
    return Trace(tuple(f"w{place}" for place in range(COUNT)), (Layer(*arrays, Rule(causal=True)),))


def test_the_tokens_in_sight_are_there_in_their_order_and_count_as_all(window, written, long):
    window.resize(1280, 900)
    window.open(written(long), view="lines", query=0)
    for top in (0, 3000, 9999, 5000):
        window.evaluate(f"Promise.resolve({SCROLL % top}).then(() => new Promise((done) => setTimeout(done, 300)))")
        found = window.evaluate(QUERIES)
        assert len(found["names"]) < 120
        assert found["names"] == [f"w{number - 1}" for number in found["numbers"]]
        assert found["numbers"] == sorted(found["numbers"])
        assert found["sizes"] == [COUNT]
        assert len(found["seen"]) >= found["room"] - 1
        assert found["tabs"] == found["chosen"] == ["w0"]  # stays, however far away


def test_the_keyboard_goes_from_end_to_end_and_keeps_its_token(opened, long):
    page = opened(long, view="lines", query=0)
    page.page.locator(".query .word").first.focus()
    for key, name in (
        ("End", "w399"),
        ("ArrowUp", "w398"),
        ("ArrowDown", "w399"),
        ("ArrowDown", "w399"),
        ("Home", "w0"),
    ):
        page.press(key)
        found = page.page.evaluate(QUERIES)
        assert (found["focus"], found["tabs"]) == (name, [name])
        assert name in found["seen"]
    page.press("ArrowRight", "Enter")
    page.page.evaluate(SCROLL % 8000)
    page.until("![...document.querySelectorAll('.query .word')].some((one) => one.textContent === 'w5')")
    found = page.page.evaluate(QUERIES)
    assert (found["focus"], found["chosen"]) == ("w1", ["w1"])
    assert "w1" not in found["seen"]
    page.press("ArrowDown")
    assert page.page.evaluate(QUERIES)["seen"][:3].count("w2") == 1


def test_what_is_searched_for_is_brought_into_sight(opened, long):
    page = opened(long, view="lines", query=0)
    page.press("/")
    page.page.keyboard.type("w250")
    page.until("document.querySelector('.query [aria-selected=true]')?.textContent === 'w250'")
    found = page.page.evaluate(QUERIES)
    assert "w250" in found["seen"]
    assert found["tabs"] == ["w250"]


def test_only_tokens_that_are_read_are_there(opened, long):
    page = opened(long, view="lines", query=30, upto=30)
    found = page.page.evaluate(QUERIES)
    assert found["names"] == [f"w{place}" for place in range(31)]
    assert found["sizes"] == [31]
    page.go(view="lines", query=2, upto=2)
    assert page.page.evaluate(QUERIES)["names"] == ["w0", "w1", "w2"]


def test_what_is_drawn_of_a_line_is_a_part_of_the_whole_line(opened, long):
    """Every line from the chosen Query: the curve with level ends, from the middle of its row to the middle of a Key's."""
    page = opened(long, view="lines", query=200, before=HEARD)
    page.until("curves.length > 0")
    seen = page.page.evaluate("""(() => {
      const [frame, middle] = [document.querySelector('.joined'), document.querySelector('.between')];
      return { top: frame.scrollTop, height: frame.clientHeight, width: middle.clientWidth, curves };
    })()""")
    begin, keys = 200.5 * ROW - seen["top"], []
    for curve in numpy.array(seen["curves"]).reshape(-1, 4, 2):
        across, down = points_of(curve)
        assert down.min() > -20.5
        assert down.max() < seen["height"] + 20.5
        times = times_of(across / seen["width"])
        rise = 3 * times**2 - 2 * times**3
        ends = (down - begin)[rise > 1e-3] / rise[rise > 1e-3] + begin
        [key] = {round((end + seen["top"]) / ROW - 0.5, 3) for end in ends.round(4)}
        assert key == pytest.approx(round(key), abs=2e-3)
        keys.append(round(key))
    assert len(set(keys)) == len(keys) > 50
    assert min(keys) < 40  # thousands of pixels above what is in sight


def points_of(curve: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Points of a cubic Bézier curve, by Bernstein's polynomials."""
    time = numpy.linspace(0, 1, 9)[:, None]
    shares = numpy.hstack([(1 - time) ** 3, 3 * (1 - time) ** 2 * time, 3 * (1 - time) * time**2, time**3])
    return tuple((shares @ curve).T)


def times_of(across: numpy.ndarray) -> numpy.ndarray:
    """The t at which the whole line is so far across: 1.5 t (1 − t) + t³, by halving."""
    low, high = numpy.zeros_like(across), numpy.ones_like(across)
    for _ in range(60):
        middle = (low + high) / 2
        short = 1.5 * middle * (1 - middle) + middle**3 < across
        low, high = numpy.where(short, middle, low), numpy.where(short, high, middle)
    return low
