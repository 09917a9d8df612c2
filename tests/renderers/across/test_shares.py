"""The table of shares: each token in its place, of a long text the largest, and what is out of reach."""

from dataclasses import replace

import numpy
from followed_traces import layered
from random_traces import random_trace

from attnviz.analysis.across.following import Following, shares
from attnviz.choices import Across
from attnviz.renderers.across.shares import MOST_ROWS, to_renderable
from attnviz.renderers.shared.plain import plain
from attnviz.trace.selection import select


def table(trace, following=None, **chosen):
    found = shares(trace, select(trace, **chosen).as_region(), following or Following())
    return plain(to_renderable(trace, found)).splitlines(), found


def test_each_token_has_a_row_in_its_place():
    lines, found = table(layered(2, 4))
    assert lines[0] == "Attention rollout, layers 1 to 0, mean of 4 heads, residual 0.5"
    assert lines[1] == "what 4 queries read, on average"
    assert [line.split("│")[0].strip() for line in lines[5:]] == ["0 w0", "1 w1", "2 w2", "3 w3"]
    assert numpy.allclose([float(line.split("│")[1]) for line in lines[5:]], found.values, atol=5e-5)


def test_of_one_query_it_is_named_and_what_it_cannot_read_is_told():
    lines, _ = table(layered(2, 3, "causal"), query="w1")
    assert lines[1] == "query “w1” (1)"
    assert lines[-1].split("│")[1].strip() == "out of reach"


def test_how_exact_a_flow_is_stands_above():
    lines, _ = table(layered(2, 3), Following(Across.FLOW))
    assert " · flows exact to " in lines[1]


def test_what_a_model_computed_is_said_with_its_agreement():
    source = {"kind": "model", "model": "M", "agreement": {"errors": {"layer 0": 0.0}, "largest_error": 0.0}}
    lines, _ = table(replace(layered(1, 3), source=source))
    assert lines[1].endswith("M, recomputed with no difference from its own outputs")


def test_of_a_long_text_the_largest_shares_stand_first_and_the_others_together():
    lines, found = table(random_trace(1, 1, 60, 2))
    numbers = [float(line.split("│")[1]) for line in lines[5:]]
    assert len(numbers) == MOST_ROWS + 1
    assert numbers[:-1] == sorted(numbers[:-1], reverse=True)
    assert lines[-1].startswith("20 others")
    assert numpy.isclose(numbers[-1], found.values.sum() - numpy.sort(found.values)[-MOST_ROWS:].sum(), atol=5e-5)
    assert table(random_trace(1, 1, 41, 2))[0][-1].startswith("1 other")
