"""Tokens stay the text that they are, nothing leaves the page, and a notebook keeps it in its frame."""

from __future__ import annotations

import re

import numpy
import pytest

from attnviz import Layer, Trace, trace_text
from attnviz.renderers.page.notebook import to_frame
from attnviz.text.display import shown

HOSTILE = (
    "</script><script>window.pwned = 1</script>",
    "<img src=x onerror='window.pwned = 1'>",
    "javascript:window.pwned=1",
    "\"'`&<!--",
    "\u202egnp.exe",
    "{{script}}",
    "{query}",
    "$&$1",
    "]]>",
    "שלום",
    "\x1b[31m",
    "🏳️‍🌈",
)


@pytest.fixture(scope="module")
def hostile() -> Trace:
    draw = numpy.random.default_rng(0)
    arrays = [draw.standard_normal((2, len(HOSTILE), 4)) for _ in range(3)]
    return Trace(
        HOSTILE, (Layer(*arrays, name="</style><b>"),), {"kind": "model", "model": "<script>window.pwned=1</script>"}
    )


@pytest.mark.parametrize("view", ["overview", "matrix", "lines", "text", "steps"])
def test_hostile_tokens_stay_text(opened, hostile, view):
    page = opened(hostile, view=view, query=0, key=1, **{"detail": "yes"} if view in ("matrix", "steps") else {})
    assert page.page.evaluate("window.pwned") is None
    assert page.page.locator("img, b b, #page script").count() == 0
    if view in ("lines", "text", "steps"):
        assert page.texts(".words >> nth=0 >> .word") == [shown(token) for token in HOSTILE]
    if view == "lines":
        with page.page.expect_download() as download:
            page.page.locator("#save-svg").click()
        assert "<script" not in download.value.path().read_text(encoding="utf-8")


def test_the_policy_lets_nothing_in_and_nothing_out(opened):
    page = opened(trace_text("a b"))
    page.page.evaluate("""async () => {
      window.blocked = [];
      addEventListener("securitypolicyviolation", (event) => window.blocked.push(event.effectiveDirective));
      const script = document.createElement("script");
      script.textContent = "window.pwned = 1";
      document.body.append(script);
      const image = new Image();
      image.src = "https://example.invalid/x.png";
      await fetch("https://example.invalid/").catch(() => {});
    }""")
    page.until("['script-src-elem', 'img-src', 'connect-src'].every((directive) => window.blocked.includes(directive))")
    assert page.page.evaluate("window.pwned") is None
    page.problems.clear()  # the browser complains, as it should


def test_there_is_no_outside_reference():
    page = trace_text("Your journey starts").to_html()
    addresses = set(re.findall(r"(?:https?:)?//[\w.]+\.\w+[^\s\"'`)]*", re.sub(r"(?m)^\s*//.*$", "", page)))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert "innerHTML" not in page
    assert re.search(r"default-src &#x27;none&#x27;; script-src &#x27;sha256-", page)


def test_the_same_trace_gives_the_same_page():
    assert trace_text("a b", heads=2).to_html() == trace_text("a b", heads=2).to_html()


def test_traces_in_a_notebook(browser, tmp_path):
    frames = trace_text("Your journey")._repr_html_() + trace_text("starts </iframe> here", heads=2)._repr_html_()
    file = tmp_path / "notebook.html"
    file.write_text(f"<!doctype html><meta charset=utf-8><style>p {{ color: red }}</style>{frames}", encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text))
    page.goto(file.as_uri())
    first, second = page.frame_locator("iframe >> nth=0"), page.frame_locator("iframe >> nth=1")
    first.locator("#map").wait_for()
    second.locator(".card >> nth=1").click()
    second.locator("#tab-steps").click()
    assert second.locator(".story h2").text_content() == "Scores"
    assert first.locator("h1").text_content().split() == ["Your", "journey"]
    context.close()
    assert problems == []


def test_a_trace_too_large_for_a_notebook_says_so():
    trace = trace_text(" ".join(["word"] * 5000))
    assert to_frame(trace).startswith("<pre>Trace(5000 tokens")
    assert "its 5,000 tokens are pooled by to_html()" in to_frame(trace)
