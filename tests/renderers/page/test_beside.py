"""What a page knows of two traces: where it opens, of which side each layer is, and which tokens are the same."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer
from attnviz.analysis.difference.alignment import align
from attnviz.renderers.page.beside import Beside, beside_record
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.packing import Part
from attnviz.trace.selection import LayerSelection


def a_layer(tokens=3):
    return Layer(*[numpy.ones((3, tokens, 2))] * 3)


def parts_of(*layers, form=Form.EXACT):
    return [Part(LayerSelection(layer, heads), form) for layer, heads in layers]


def records(*texts):
    return [{"queryTexts": queries, "keyTexts": keys} for queries, keys in texts]


def test_two_heads_of_one_trace_are_two_places():
    first, second = a_layer(), a_layer()
    parts = parts_of((first, (0, 2)), (second, (1,)))
    record = beside_record(Beside("text", ((first, 2), (second, 1))), parts, records((0, 0), (0, 0)))
    assert record == {"text": "text", "opens": {"layer": 0, "head": 1, "other": {"layer": 1, "head": 0}}}


def test_each_layer_is_of_a_side_and_tokens_have_partners():
    left, right = a_layer(), a_layer(2)
    queries, keys = align(("a", "b", "c"), ("a", "c")), align(("x", "y", "c"), ("c", "z"))
    layers = records((0, 1), (2, 3))
    beside = Beside("", ((left, 0), (right, 0)), ("L", "R"), [right], [(left, right, queries, keys)] * 2)
    record = beside_record(beside, parts_of((left, (0,)), (right, (0,))), layers)
    assert [layer["side"] for layer in layers] == [0, 1]
    assert record["sides"] == ["L", "R"]
    assert record["partners"] == [
        {"texts": [0, 2], "pairs": [[0, 2], [0, 1]]},
        {"texts": [1, 3], "pairs": [[2], [0]]},
    ]


@pytest.mark.parametrize(("form", "texts"), [(Form.POOLED, (1, 1)), (Form.EXACT, (0, 0))])
def test_cells_of_many_tokens_and_the_same_text_need_no_partners(form, texts):
    left, right = a_layer(), a_layer()
    same = align(("a", "b", "c"), ("a", "b", "c"))
    beside = Beside("", ((left, 0), (right, 0)), ("L", "R"), [right], [(left, right, same, same)])
    parts = [*parts_of((left, (0,))), *parts_of((right, (0,)), form=form)]
    assert beside_record(beside, parts, records((0, 0), texts))["partners"] == []
