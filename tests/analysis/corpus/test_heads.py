"""What statistics give of one place of an array."""

from __future__ import annotations

import math

import numpy

from attnviz.analysis.corpus.heads import Head, Value, value_of
from attnviz.analysis.corpus.running import Running


def test_a_value_is_what_is_known_of_its_place():
    running = Running((2, 2))
    for values in ([[1.0, 5.0], [numpy.nan, 0.0]], [[3.0, numpy.nan], [numpy.nan, 0.0]]):
        running = running.plus(numpy.array(values))
    assert value_of(running, 0, 0) == Value(2.0, math.sqrt(2.0), 2)
    once = value_of(running, 0, 1)
    assert (once.mean, math.isnan(once.deviation), once.count) == (5.0, True, 1)
    never = value_of(running, 1, 0)
    assert (math.isnan(never.mean), never.count) == (True, 0)


def test_a_head_has_no_names_quantiles_or_texts_unless_they_are_given():
    head = Head("layer 0", 0, 1, {})
    assert (head.names, dict(head.limits), dict(head.quantiles), dict(head.top)) == ((), {}, {}, {})
