"""A trace in a notebook: a page in a frame of its own, or a line that says why there is none."""

from __future__ import annotations

import html
import re

import pytest
from random_traces import random_trace

from attnviz import trace_text
from attnviz.renderers.page import notebook
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.page.notebook import to_frame


@pytest.mark.slow
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
    assert second.locator(".story h2").text_content() == "Embeddings"
    assert first.locator("h1").text_content().split() == ["Your", "journey"]
    context.close()
    assert problems == []


def test_a_trace_too_large_for_a_notebook_says_so():
    trace = trace_text(" ".join(["word"] * 5000))
    assert to_frame(trace).startswith("<pre>Trace(5000 tokens")
    assert "its 5,000 tokens are pooled by to_html()" in to_frame(trace)


def test_the_frame_is_named_and_holds_the_page():
    trace = trace_text('"a" <b>')
    frame = to_frame(trace)
    [title] = re.findall(r'<iframe title="([^"]*)" sandbox="allow-scripts allow-downloads"', frame)
    assert html.unescape(title) == '"a" <b> · attnviz'
    [page] = re.findall(r'srcdoc="([^"]*)"', frame)
    assert html.unescape(page) == trace.to_html()


def test_a_notebook_pools_what_does_not_take_long(monkeypatch):
    trace = random_trace(2, 6, 220, 32, causal=True)
    monkeypatch.setattr(notebook, "LIMITS", Limits(megabytes=0.45, cells_of_several=60))
    assert to_frame(trace).startswith("<iframe")
    monkeypatch.setattr(notebook, "PAIRS", 1000)
    assert "its 220 tokens are pooled by to_html(), which may take a while" in to_frame(trace)
