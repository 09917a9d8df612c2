"""The page of weights alone, in a browser: their numbers, and what is missing."""

from __future__ import annotations

import numpy
import pytest

from attnviz import trace_weights
from attnviz.choices import Language
from attnviz.text.lessons import lessons

WEIGHTS = numpy.random.default_rng(2).dirichlet(numpy.ones(4), (2, 3, 4))  # (layers, heads, queries, keys)
WEIGHTS[1, 2, 3] *= 0.5


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "vi"])
def test_the_page_shows_the_weights_and_says_what_is_missing(opened, lang):
    words = lessons(Language(lang))
    page = opened(trace_weights(WEIGHTS, "the cat sat down"), view="steps", lang=lang)
    assert words.say("page.alone") in page.texts("body")[0]
    page.go(view="matrix", layer=1, head=2, query=3, key=1)
    body = page.texts("body")[0]
    assert f"{WEIGHTS[1, 2, 3, 1]:.4f}"[:5] in body
    assert words.say("page.given") in body
    assert words.say("page.each_row_part") in body
    place = {"layer": words.say("picture.layer", layer=1), "head": 2, "place": 3}
    assert words.say("picture.row_sums", off="1", rows="24", sum="0.5", **place) in body
    for view in ("overview", "lines", "text"):
        page.go(view=view, layer=1, head=0)
