"""A page that is too large is refused before it is made, and what would fit is said."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from random_traces import long_trace, random_trace

from attnviz import AttnvizError
from attnviz.renderers.page.limits import Limits
from attnviz.renderers.page.page import to_html
from attnviz.trace.selection import select

LONG = Limits(tokens=200)


def test_a_page_that_is_too_large_says_what_fits():
    trace = random_trace(4, 4, 120, 64)
    with pytest.raises(AttnvizError, match=r"would take 0\.\d\d MB, and 0\.3 are the most") as refused:
        to_html(trace, select(trace), limits=Limits(megabytes=0.3))
    layers = int(re.match(r"about (\d) of the 4 layers fit: select them with --layer", refused.value.hint or "")[1])
    assert len(trace.to_html(layer=range(layers), max_size=0.3)) < 0.3e6
    with pytest.raises(AttnvizError) as refused:
        to_html(trace, select(trace, layer=["0"]), limits=Limits(megabytes=0.21))
    heads = int(re.match(r"about (\d) heads of one layer fit: select them with", refused.value.hint or "")[1])
    assert len(trace.to_html(layer=[0], head=range(heads), max_size=0.21)) < 0.21e6


def test_a_hopeless_page_is_refused_before_it_is_computed():
    selection = select(random_trace(1, 2, 4000, 2))
    with pytest.raises(AttnvizError, match="would take"):
        to_html(None, selection, limits=Limits(megabytes=0.01, easy=0))


def test_a_long_text_of_many_heads_is_measured_against_the_budget():
    whole = long_trace(700)
    assert len(to_html(whole, select(whole), limits=LONG)) > 500_000
    with pytest.raises(AttnvizError, match=r"the page would take .* MB, and 0\.2 are the most"):
        to_html(whole, select(whole), limits=replace(LONG, megabytes=0.2))


def test_a_page_that_is_far_too_large_is_refused_before_it_is_drawn():
    whole, heard = long_trace(700), []
    with pytest.raises(AttnvizError, match=r"the page would take 1\.\d MB, and 0\.3 are the most"):
        to_html(whole, select(whole), limits=replace(LONG, megabytes=0.3), report=lambda *done: heard.append(done))
    assert not heard


def test_the_heads_of_a_long_text_that_are_said_to_fit_do():
    """Of one head there are more cells than of two together."""
    whole = long_trace(1000)
    assert len(to_html(whole, select(whole, head=["0"]), limits=LONG)) > 0.8e6
    with pytest.raises(AttnvizError) as refused:
        to_html(whole, select(whole), limits=replace(LONG, megabytes=0.8))
    assert (refused.value.hint or "").startswith("about 2 heads of one layer fit")
    assert len(to_html(whole, select(whole, head=["0-1"]), limits=LONG)) < 0.8e6
