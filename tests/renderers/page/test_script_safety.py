"""Tokens stay the text that they are, and nothing leaves the page."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Trace, trace_text
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


def test_hostile_tokens_stay_text(opened, hostile):
    page = opened(hostile)
    for view in ("overview", "matrix", "lines", "text", "steps"):
        page.load(view=view, query=0, key=1, **{"detail": "yes"} if view in ("matrix", "steps") else {})
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
