"""A page that is too large is refused before it is made, and what would fit is said."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from random_traces import long_trace, random_trace

from attnviz import AttnvizError, Trace
from attnviz.renderers.page.limits import BARE, USUAL, Limits
from attnviz.renderers.page.page import to_html
from attnviz.renderers.page.size import needs_pooling, why_pooled
from attnviz.trace.selection import select

LONG = Limits(tokens=200)
NARROW = Limits(megabytes=0.4, tokens=320, cells_of_several=60)  # as the usual limits are for a model of 30 layers


def test_a_page_that_is_too_large_says_what_fits():
    trace = random_trace(4, 4, 120, 64)
    some, few = (round((BARE + arrays) / 1e6, 3) for arrays in (115_000, 25_000))
    with pytest.raises(AttnvizError, match=rf"would take 0\.\d\d MB, and {some} are the most") as refused:
        to_html(trace, select(trace), limits=Limits(megabytes=some))
    layers = int(re.match(r"about (\d) of the 4 layers fit: select them with --layer", refused.value.hint or "")[1])
    assert len(trace.to_html(layer=range(layers), max_size=some)) < some * 1e6
    with pytest.raises(AttnvizError) as refused:
        to_html(trace, select(trace, layer=["0"]), limits=Limits(megabytes=few))
    heads = int(re.match(r"about (\d) heads of one layer fit: select them with", refused.value.hint or "")[1])
    assert len(trace.to_html(layer=[0], head=range(heads), max_size=few)) < few * 1e6


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
    assert len(to_html(whole, select(whole, head=["0"]), limits=LONG)) > 0.84e6
    with pytest.raises(AttnvizError) as refused:
        to_html(whole, select(whole), limits=replace(LONG, megabytes=0.84))
    assert (refused.value.hint or "").startswith("about 2 heads of one layer fit")
    assert len(to_html(whole, select(whole, head=["0-1"]), limits=LONG)) < 0.84e6


def made(trace: Trace, limits: Limits, **words: object) -> tuple[int, list[str]]:
    """How large its page is, and what was said of it."""
    said: list[str] = []
    return len(to_html(trace, select(trace), limits=limits, notice=said.append, **words)), said


def test_no_length_is_refused_and_from_one_on_all_are_pooled():
    pooled = []
    for tokens in (40, 100, 160, 220, 320, 321, 400):
        size, said = made(random_trace(2, 6, tokens, 32, causal=True), NARROW)
        assert size <= NARROW.size
        pooled.append(len(said))
    assert pooled == sorted(pooled)
    assert (pooled[1], pooled[3]) == (0, 1)


@pytest.mark.slow
def test_a_model_of_thirty_layers_has_a_page_at_every_length():
    sizes = {}
    for tokens in (128, 650, 1000, 4096, 4097):
        sizes[tokens], said = made(random_trace(30, 9, tokens, 64, causal=True), USUAL)
        assert len(said) == (tokens > 128)
    assert max(sizes.values()) < 10e6


def test_a_long_text_says_what_shows_a_part_of_it():
    layers = select(long_trace(700)).layers
    assert why_pooled(layers, LONG) == (
        "each map has 350 × 350 cells of 2 × 2 tokens, mean: the text is long; --query A:B with --key C:D shows a part of it"
    )
    assert why_pooled(select(long_trace(700), query="0:9", key="0:9").layers, LONG) == ""


def test_weights_that_compress_well_are_looked_at_before_they_are_pooled():
    """Heads that look at few keys: a plain guess would be three times too large, and take their pairs from them."""
    flat, sharp = (random_trace(1, 8, 300, 256, causal=True) for _ in range(2))
    for layer in sharp.layers:
        layer.query[:] *= 10
    limits = replace(NARROW, megabytes=0.35)
    assert [needs_pooling(select(trace).layers, limits) for trace in (flat, sharp)] == [True, False]
    size, said = made(sharp, limits)
    assert (size < limits.size, said) == (True, [])


def test_a_page_for_which_even_pooled_maps_are_too_large_is_refused_before_any_work():
    trace, heard = random_trace(8, 16, 300, 64, causal=True), []
    with pytest.raises(AttnvizError, match=r"and 0\.1 are the most that it may") as refused:
        to_html(None, select(trace), limits=replace(NARROW, megabytes=0.1), report=lambda *done: heard.append(done))
    assert (refused.value.hint, heard) == ("give a shorter text, or raise --max-size", [])
