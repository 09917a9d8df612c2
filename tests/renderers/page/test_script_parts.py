"""A page whose heads are held in several forms: every head is reached, and each says what is known of it."""

from __future__ import annotations

import re

import numpy
import pytest
from random_traces import random_trace

from attnviz import attend
from attnviz.choices import Pool
from attnviz.renderers.page.limits import Limits, bare_size
from attnviz.renderers.page.parts import page_parts
from attnviz.renderers.shared import numbers
from attnviz.trace.selection import select

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

TRACE = random_trace(2, 6, 220, 32, causal=True)
# Room for a few heads, with the weights of the others, or with pooled maps of them.
WEIGHTS = Limits(megabytes=(bare_size() + 530_000) / 1e6)
POOLED = Limits(megabytes=(bare_size() + 250_000) / 1e6, cells_of_several=60)
HELD = "(cards) => cards.map((card) => card.classList.contains('held'))"


def computed(limits):
    """The heads of each layer of which the page holds every step."""
    return [
        {head for part in page_parts(select(TRACE).layers, limits) if part.form.computes and part.selected.layer is layer
         for head in part.selected.heads}
        for layer in TRACE.layers
    ]  # fmt: skip


@pytest.mark.parametrize("limits", [WEIGHTS, POOLED], ids=["weights", "pooled"])
def test_every_head_is_reached_and_says_what_is_held_of_it(opened, limits):
    page = opened(TRACE, limits=limits, view="steps", layer=0, head=0)
    own = computed(limits)
    assert 0 < sum(map(len, own)) < 12
    for layer in range(2):
        for head in range(6):
            page.go(view="steps", layer=layer, head=head)
            assert page.page.locator("#control-head").input_value() == str(head)
            assert page.page.locator("#control-head option").count() == 6
            assert bool(page.texts("#panel .note")) == (head not in own[layer])
            assert bool(page.texts("#panel .story h2")) == (head in own[layer])
    assert re.search(rf"of {sum(map(len, own))} of 12 heads had room", page.texts("footer")[0])


def test_the_next_head_is_the_next_number_whatever_is_held_of_it(opened):
    page = opened(TRACE, limits=WEIGHTS, view="matrix", layer=1, head=0)
    for head in (1, 2, 3, 4, 5, 0):
        page.page.get_by_label("The next head").click()
        page.page.wait_for_selector("#panel[aria-busy=false]")
        assert f"head={head}" in page.page.url
        assert "layer=1" in page.page.url


@pytest.mark.parametrize("layer", [0, 1])
def test_weights_are_the_traces_own_in_both_forms(opened, layer):
    page, own = opened(TRACE, limits=WEIGHTS, view="matrix"), computed(WEIGHTS)[layer]
    whole = TRACE.layers[layer]
    weights = attend(whole.query, whole.key, whole.value, causal=True).weights
    for head in range(6):
        key = int(weights[head, 200].argmax())
        page.go(view="matrix", layer=layer, head=head, query=200, key=key)
        shown = float(page.texts("#readout")[0].split("weight ")[1].split()[0].rstrip("."))
        assert abs(shown - weights[head, 200, key]) < (1e-3 if head in own else 3e-3)


def test_what_was_chosen_in_cells_is_not_taken_for_a_token(opened):
    own = computed(POOLED)
    layer = next(place for place, heads in enumerate(own) if 0 < len(heads) < 6)
    exact, pooled = min(own[layer]), min(set(range(6)) - own[layer])
    page = opened(TRACE, limits=POOLED, pool=Pool.MAX, view="matrix", layer=layer, head=exact, query=100, key=7)
    page.page.locator("#control-head").select_option(str(pooled))
    page.page.wait_for_selector("#panel[aria-busy=false]")
    assert "key=" not in page.page.url
    assert "cells of" in page.texts("footer")[0]
    assert page.page.locator("#control-step").input_value() == "weights"


def test_the_overview_marks_the_heads_of_which_every_step_is_here(opened):
    trace = random_trace(5, 6, 120, 16, causal=True)
    limits = Limits(megabytes=(bare_size() + 340_000) / 1e6)
    page = opened(trace, limits=limits, view="overview")
    marks = numpy.array(page.page.locator(".card").evaluate_all(HELD)).reshape(5, 6)
    expected = numpy.zeros((5, 6), dtype=bool)
    for part in page_parts(select(trace).layers, limits, beyond=5000):
        expected[part.selected.layer.index, list(part.selected.heads)] = part.form.computes
    assert 0 < marks.sum() < 30
    assert not (marks & ~expected).any()  # the first ones, as many as there was room for
    page.page.locator(".card").nth(int(marks.ravel().argmax())).hover()
    assert "every step" in page.page.locator(".enlarged").inner_text()
    page.page.locator(".card").nth(int(marks.ravel().argmin())).hover()
    assert "weights only" in page.page.locator(".enlarged").inner_text()


@pytest.mark.slow
def test_a_map_that_is_drawn_coarsely_first_ends_exact(opened):
    trace = random_trace(1, 3, 1100, 8, causal=True)
    page = opened(trace, view="matrix", head=1, query=900, key=17)
    layer = trace.layers[0]
    weights = attend(layer.query, layer.key, layer.value, causal=True).weights
    page.page.get_by_label("The next head").click()
    page.page.wait_for_selector("#panel[aria-busy=false]")
    weight = numbers.number(weights[2, 900, 17], 4)
    assert page.texts("#readout")[0].endswith(f"the weight {weight}.")
    assert page.page.locator(".legend").count() == 1
