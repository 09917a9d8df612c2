"""What the page says in words, where it speaks of what is held or what is missing, and where the focus goes."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.renderers import numbers

SENTENCE = "Your journey starts with one step"


@pytest.fixture(scope="module")
def several() -> Trace:
    """Two layers of four heads, the first token a special one."""
    draw = numpy.random.default_rng(3)
    layers = tuple(
        Layer(*(draw.standard_normal((4, 6, 8)) * 2 for _ in range(3)), Rule(causal=True), index=index)
        for index in range(2)
    )
    tokens = ("<s>", "the", "cat", "sat", "and", "ran")
    return Trace(tokens, layers, {"kind": "model", "ids": [1, 5, 6, 7, 8, 9], "special": [0]})


def most(trace, layer, heads, query):
    weights = numpy.stack([trace.layers[layer].steps(head).weights[query] for head in heads])
    place, key = numpy.unravel_index(weights.argmax(), weights.shape)
    best = numbers.number(weights.max(), 4)
    return f"Most of all, {trace.tokens[query]} looks at {trace.tokens[key]}: {best} (head {heads[place]})."


def test_lines_speak_of_the_held_token_of_what_is_shown(opened, several):
    page = opened(several, view="text", layer=1, head=1, query=4)
    page.go(view="lines", layer=1, head=1, query=4)
    assert page.texts("#readout") == [most(several, 1, [1], 4)]
    page.page.get_by_role("button", name="Head 3").click()
    page.page.wait_for_selector(".head[aria-pressed=true] >> nth=1")
    assert page.texts("#readout") == [most(several, 1, [1, 3], 4)]
    page.go(view="lines", layer=0, head=2, query=3)
    assert page.texts("#readout") == [most(several, 0, [2], 3)]
    page.go(view="lines", layer=0, head=2, query=3, threshold=1)
    assert page.texts("#readout") == ["sat looks at nothing that is shown."]
    page.go(view="lines", layer=0, head=2, query=0, special="no")
    assert page.texts("#readout") == ["Point at a token to see its lines alone; click it to hold it."]
