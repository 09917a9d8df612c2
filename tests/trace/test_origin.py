"""What a trace says of its model, and what is made of a trace that says nonsense."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import json_values

from attnviz import AttnvizError, Layer, Trace
from attnviz.analysis.corpus import Statistics
from attnviz.analysis.measure import head_metrics
from attnviz.trace.origin import exactness, ids, largest_error, layer_error, model_name, special
from attnviz.trace.selection import select

ARRAY = numpy.ones((2, 3, 4))
FACTS = ("model", "agreement", "ids", "special", "target_ids", "target_special")


def trace(**source) -> Trace:
    return Trace(("a", "b", "c"), (Layer(ARRAY, ARRAY, ARRAY),), source)


def test_what_is_said_is_read():
    known = trace(model="M", ids=[5, 6, 7], special=[0], agreement={"largest_error": 2e-7, "errors": {"layer 0": 1e-7}})
    assert (model_name(known), largest_error(known), layer_error(known, known.layers[0])) == ("M", 2e-7, 1e-7)
    assert (ids(known), special(known)) == ((5, 6, 7), {0})
    assert exactness("M", 2e-7) == "M, recomputed to within 2.0e-07 of its own outputs"


def test_a_name_is_shown_safely():
    assert model_name(trace(model="\x1b[31mM\n")) == r"\x1b[31mM\n"
    assert len(model_name(trace(model="M" * 1000))) == 60


@pytest.mark.parametrize("fact", FACTS)
@given(value=json_values())
def test_nonsense_counts_as_unsaid(fact, value):
    try:
        odd = trace(**{"ids": [5, 6, 7], fact: value})
    except AttnvizError:  # a trace takes no such fact at all
        return
    assert isinstance(model_name(odd), str)
    assert isinstance(exactness(model_name(odd), largest_error(odd)), str)
    layer_error(odd, odd.layers[0])
    head_metrics(odd, odd.layers[0])
    Statistics().add(odd, select(odd))
    if special(odd) != {0, 1, 2}:
        select(odd, skip_special=True)


@given(st.lists(st.integers(-9, 9) | st.integers(-(2**62), 2**62)))
def test_special_places_that_are_none_hide_nothing(places):
    left = [place for place in range(3) if place not in places]
    odd = trace(ids=[5, 6, 7], special=places)
    if left:
        assert list(select(odd, skip_special=True).layers[0].key_positions) == left
