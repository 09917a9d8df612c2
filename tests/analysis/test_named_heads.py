"""The names of the heads of a layer on one text: as statistics give them, and of a model alone."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Trace, trace_text
from attnviz.analysis.corpus import Statistics
from attnviz.analysis.head_names import HeadName
from attnviz.analysis.named_heads import named_heads
from attnviz.trace.selection import select


def read(kind: str = "model") -> Trace:
    made = trace_text("a b c d e f g h " * 3, heads=4, causal=True)
    return Trace(made.tokens, made.layers, {"kind": kind})


def test_one_text_gives_what_statistics_of_it_give():
    trace = read()
    statistics = Statistics()
    statistics.add(trace, select(trace))
    found = named_heads(trace, trace.layers[0], range(4))
    assert [found[head.head] for head in statistics.heads()] == [head.names for head in statistics.heads()]
    assert HeadName.BROAD in {one.name for names in found.values() for one in names}
    some = named_heads(trace, trace.layers[0], [2], cells=64)
    assert some.keys() == {2}
    assert [(one.name, pytest.approx(one.value)) for one in found[2]] == [(one.name, one.value) for one in some[2]]


@pytest.mark.parametrize("kind", ["toy", "arrays"])
def test_what_no_model_has_computed_gets_no_names(kind):
    trace = read(kind)
    assert named_heads(trace, trace.layers[0], range(4)) == {}


def test_other_texts_for_keys_leave_names_that_ask_for_no_place():
    trace = read()
    crossed = numpy.asarray(trace.layers[0].key)[:, :5]
    layer = trace.layers[0].__class__(
        trace.layers[0].query, crossed, crossed, kind="cross", key_tokens=tuple("vwxyz"), name="cross 0"
    )
    both = Trace(trace.tokens, (layer,), {"kind": "model"})
    names = {one.name for found in named_heads(both, layer, range(4)).values() for one in found}
    assert names <= {HeadName.BROAD, HeadName.FIRST_TOKEN_SINK}
