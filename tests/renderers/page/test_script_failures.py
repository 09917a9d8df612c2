"""What the page says when something goes wrong: in words, and without a fault of its own."""

from __future__ import annotations

import re
from pathlib import Path

import numpy
import pytest

from attnviz import Layer, Trace, trace_text

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

SENTENCE = "Your journey starts with one step"
ALERT = "[role=alert]"
OLD = "window.kept ??= DecompressionStream; delete window.DecompressionStream;"
ENDLESS = """window.DecompressionStream = class {
  constructor() { return new TransformStream({ flush: () => new Promise(() => {}) }); }
};"""


@pytest.mark.slow
@pytest.mark.parametrize(("lang", "words"), [("en", "This browser cannot unpack"), ("vi", "Trình duyệt này không")])
def test_a_browser_that_cannot_unpack_is_told(opened, lang, words):
    page = opened(trace_text(SENTENCE, heads=2), lang=lang, before=OLD)
    for view in ("overview", "matrix", "lines", "text", "steps"):
        page.load(view=view, query=1, key=0, detail="yes")
        assert page.page.locator(ALERT).text_content().startswith(words)
        assert page.page.locator("#save-svg").is_disabled()
        assert page.page.locator(".detail").is_hidden()
        assert page.texts("#readout") == [""]


def test_what_failed_is_tried_again(opened):
    page = opened(trace_text(SENTENCE, heads=2), before=OLD)
    alert = page.page.locator(ALERT)
    assert alert.is_visible()
    page.page.evaluate("() => { window.DecompressionStream = window.kept; }")
    page.go(view="matrix", query=1, key=0, detail="yes")
    assert alert.is_hidden()
    assert page.page.locator("#save-svg").is_enabled()
    assert page.texts(".detail h2") == ["journey looks at Your"]


@pytest.mark.parametrize("content", ["", "no base64", "AAAA"])
def test_a_damaged_file_is_told(opened, content):
    page = opened(trace_text(SENTENCE))
    file = Path(page.address.removeprefix("file://"))
    damaged, count = re.subn(r'(id="blob-0">)[^<]*', rf"\g<1>{content}", file.read_text(encoding="utf-8"))
    assert count == 1
    file.write_text(damaged, encoding="utf-8")
    page.page.reload()
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert "the file seems to be damaged" in page.page.locator(ALERT).text_content()


def test_nothing_is_saved_before_it_is_there(opened):
    page = opened(trace_text(SENTENCE), view="matrix", before=ENDLESS, until="#panel[aria-busy=true]")
    for form in ("svg", "png"):
        assert page.page.locator(f"#save-{form}").is_disabled()
        page.page.locator(f"#save-{form}").evaluate("button => button.click()")
    assert page.page.locator(ALERT).is_hidden()


def test_a_picture_that_cannot_be_made_is_told(opened):
    page = opened(trace_text(SENTENCE), view="matrix")
    page.page.evaluate("() => { HTMLCanvasElement.prototype.toBlob = (done) => done(null); }")
    page.page.locator("#save-png").click()
    alert = page.page.locator(ALERT)
    alert.wait_for()
    assert alert.text_content().startswith("The browser could not make the picture")
    with page.page.expect_download():
        page.page.locator("#save-svg").click()
    alert.wait_for(state="hidden")


def test_a_fault_of_the_page_is_told_too(opened):
    page = opened(trace_text(SENTENCE), view="matrix")
    page.page.evaluate("() => { HTMLCanvasElement.prototype.toBlob = () => { throw new Error('no more room'); }; }")
    page.page.locator("#save-png").click()
    page.page.locator(ALERT, has_text="no more room").wait_for()
    assert page.problems  # in the console, for whoever reports it
    page.problems.clear()


@pytest.mark.slow
def test_no_canvas_is_larger_than_a_small_device_takes(opened):
    vectors = numpy.random.default_rng(0).standard_normal((1, 2100, 2))
    page = opened(
        Trace(tuple(f"w{place}" for place in range(2100)), (Layer(vectors, vectors, vectors),)), view="matrix"
    )
    page.page.evaluate("""() => {
      window.made = [];
      const create = document.createElement.bind(document);
      document.createElement = (name) => {
        const element = create(name);
        if (name === "canvas") window.made.push(element);
        return element;
      };
    }""")
    with page.page.expect_download() as download:
        page.page.locator("#save-png").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    areas = page.page.evaluate("made.map((canvas) => canvas.width * canvas.height)")
    assert 16e6 < max(areas) <= 4096**2
