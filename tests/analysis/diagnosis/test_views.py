"""Large problems are cut."""

import numpy

from attnviz.analysis.diagnosis.inputs import asked
from attnviz.analysis.diagnosis.views import CELLS, cut

NONE = dict.fromkeys(("scale", "query_offset", "window", "softcap", "mask", "bias", "sinks"))


def problem(heads, tokens):
    arrays = [numpy.zeros((heads, tokens, 1), numpy.float32) for _ in range(4)]
    arrays[3][0, tokens // 2] = numpy.nan
    rotation = dict.fromkeys(("theta", "dims", "interleaved", "positions"))
    return asked(*arrays, None, NONE | {"causal": False}, rotation)


def test_a_small_one_is_looked_at_whole():
    assert cut(problem(2, 8)).shape == (1, 2, 8)


def test_of_a_large_one_some_heads_and_rows_the_first_the_last_and_the_odd():
    view = cut(problem(40, 2000))
    assert len(view.heads) * len(view.rows) * 2000 <= 4 * CELLS
    assert {0, 15, 16, 1000, 1999} <= set(view.rows.tolist())
    assert {0, 39} <= set(view.heads.tolist())
