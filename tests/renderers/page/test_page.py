"""A page as a whole: how large it is, which trace it is of, and in which language."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from random_traces import random_trace

from attnviz import AttnvizError, Trace, trace_text
from attnviz.choices import MapStep, Pool
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.limits import Limits, bare_size
from attnviz.renderers.page.page import to_html
from attnviz.renderers.page.parts import page_parts
from attnviz.trace.selection import select
from tests.support.contributions import with_output

NARROW = Limits(
    megabytes=round(bare_size() / 1e6 + 0.2, 2), tokens=320, cells_of_several=60
)  # as the usual limits are for a model of 30 layers


@pytest.mark.slow
def test_twelve_layers_of_twelve_heads_of_256_tokens_take_less_than_21_megabytes_with_every_step():
    trace = random_trace(12, 12, 256, 64, causal=True)
    page = trace.to_html()
    assert len(page) < 21e6
    assert page.count('"form":"int16"') == 12


def test_a_smaller_budget_takes_smaller_numbers():
    trace = random_trace(4, 4, 120, 64)
    assert len(trace.to_html(max_size=50)) > 1.5e6
    assert len(trace.to_html(max_size=1.5)) < 1.5e6


@pytest.mark.parametrize("step", [None, "summed"])
def test_torch_tensors_make_the_same_page(step):
    trace = trace_text("Your journey starts", heads=2, causal=True)
    assert trace.to("torch").to_html(step=step) == trace.to_html(step=step)


@pytest.mark.parametrize(("beyond", "there"), [(0.15, False), (0.25, True), (1.0, True)])
def test_the_sum_over_heads_keeps_to_the_budget(beyond, there):
    """Where some heads fit into it, where all just do, and where all do easily."""
    made = random_trace(3, 8, 60, 16)
    trace = replace(made, layers=tuple(replace(with_output(layer), index=layer.index) for layer in made.layers))
    told: list[str] = []
    limits = Limits(megabytes=round(bare_size() / 1e6 + beyond, 3))
    page = to_html(trace, select(trace), limits=limits, step=MapStep.SUMMED, notice=told.append)
    assert len(page) <= limits.size
    assert ('"sums":true' in page) == there != any("in place of summed" in one for one in told)


def test_to_html_knows_its_languages():
    trace = trace_text("a b")
    assert '<html lang="vi">' in trace.to_html(language="vi")
    with pytest.raises(AttnvizError, match="language is 'fr': expected one of en, vi"):
        trace.to_html(language="fr")


def test_there_is_no_outside_reference():
    page = trace_text("Your journey starts").to_html()
    addresses = set(re.findall(r"(?:https?:)?//[\w.]+\.\w+[^\s\"'`)]*", re.sub(r"(?m)^\s*//.*$", "", page)))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert "innerHTML" not in page
    assert re.search(r"default-src &#x27;none&#x27;; script-src &#x27;sha256-", page)


def test_the_same_trace_gives_the_same_page():
    assert trace_text("a b", heads=2).to_html() == trace_text("a b", heads=2).to_html()


def test_the_title_is_the_beginning_of_the_text():
    assert "<title>a &lt; b · attnviz</title>" in trace_text("a < b").to_html()
    title = " ".join(["word"] * 12)
    assert f"<title>{title} · attnviz</title>" in trace_text(title).to_html()
    long = " ".join(["word"] * 20)
    assert f"<title>{long[:69]} … · attnviz</title>" in trace_text(long).to_html()
    arrays = Trace(("a", "b"), random_trace(1, 1, 2, 4).layers)
    assert "<title>a b · attnviz</title>" in arrays.to_html()


def test_a_page_that_turns_out_too_large_is_refused():
    """Its arrays would fit, so it is made, and measured with all that stands beside them."""
    with pytest.raises(AttnvizError, match=r"the page would take 0\.\d\d MB, and 0\.1 are the most"):
        random_trace(1, 1, 10, 4).to_html(max_size=0.1)


def test_why_a_page_is_pooled_is_said_before_it_is_drawn():
    trace, heard = random_trace(2, 6, 220, 32, causal=True), []
    to_html(
        trace,
        select(trace),
        limits=NARROW,
        pool=Pool.MAX,
        notice=heard.append,
        report=lambda done, of: heard.append((done, of)),
    )
    assert re.fullmatch(
        r"Query, Key and Value of \d of 12 heads fit into 0\.\d\d? MB; of the others each map has 55 × 55 cells of 4 × 4 tokens, max; .*",
        heard[0],
    )
    assert all(isinstance(one, tuple) for one in heard[1:])


def test_a_page_that_turns_out_too_large_holds_less():
    """Its arrays would fit, but its tokens take more room than they have letters."""
    layers = random_trace(1, 4, 100, 8).layers
    trace = Trace(tuple("🐢" * 200 + str(place) for place in range(100)), layers)
    limits = Limits(megabytes=(bare_size() + 290_000) / 1e6, cells_of_several=20)
    assert {part.form for part in page_parts(select(trace).layers, limits)} == {Form.EXACT}
    said: list[str] = []
    page = to_html(trace, select(trace), limits=limits, notice=said.append)
    assert (len(page) <= limits.size, '"form":"int16"' in page, said) == (True, True, [])


def test_a_page_without_room_opens_without_special_tokens_too():
    layers = random_trace(2, 6, 220, 32, causal=True).layers
    words = tuple(f"w{place}" for place in range(220))
    trace = Trace(words, layers, {"kind": "model", "ids": list(range(220)), "special": [0]})
    page = to_html(trace, select(trace, skip_special=True), limits=NARROW)
    assert len(page) < NARROW.size
    assert '"pooled":["55","55","4","4"]' in page
