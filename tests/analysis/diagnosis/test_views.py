"""Large problems are cut to the rows that tell most."""

from __future__ import annotations

import numpy
import pytest
import torch

from attnviz import diagnose
from attnviz.analysis.diagnosis import views
from attnviz.analysis.diagnosis.inputs import asked
from attnviz.analysis.diagnosis.views import CELLS, cut

NONE = dict.fromkeys(("scale", "query_offset", "window", "softcap", "mask", "bias", "sinks"))
SINGLE = 2.0**-24


def problem(heads, tokens):
    arrays = [numpy.zeros((heads, tokens, 1), numpy.float32) for _ in range(4)]
    arrays[3][0, tokens // 2] = numpy.nan
    rotation = dict.fromkeys(("theta", "dims", "interleaved", "positions"))
    return asked(*arrays, None, NONE | {"causal": False}, rotation)


def test_a_small_one_is_looked_at_whole():
    assert cut(problem(2, 8), SINGLE).shape == (1, 2, 8)


def test_of_a_large_one_some_heads_and_rows_the_first_the_last_and_the_odd():
    view = cut(problem(10, 600), SINGLE)
    assert len(view.heads) * len(view.rows) * 600 <= 2 * CELLS
    assert {0, 15, 16, 299, 300, 301, 599} <= set(view.rows.tolist())
    assert {0, 9} <= set(view.heads.tolist())


@pytest.fixture
def large(monkeypatch):
    """Four items of 24 heads of 40 tokens, which are cut; and what they should give."""
    monkeypatch.setattr(views, "CELLS", 1 << 13)
    random = torch.Generator().manual_seed(4)
    query, key, value = (torch.randn(6, 24, 40, 8, generator=random) for _ in range(3))
    output = torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    return [query, key, value], output


@pytest.mark.parametrize("places", [(3, slice(None)), (slice(None), 13), (4, 17)])
@pytest.mark.some(2)
def test_one_item_or_head_that_is_wrong_is_found_among_many(large, places):
    inputs, output = large
    output[places] = torch.nn.functional.scaled_dot_product_attention(*inputs)[places]
    found = diagnose(*inputs, output, causal=True, query_offset=0)
    (mistake,) = found.mistakes
    item, head = ("all" if isinstance(one, slice) else (one,) for one in places)
    assert (mistake.name, mistake.items, mistake.heads) == ("causal-missing", item, head)
    assert found.rows[0] < found.rows[1] == 6 * 24 * 40


def test_a_block_of_rows_that_is_wrong_is_told_with_its_first_and_last(large):
    inputs, output = large
    output[2, 5, 22:27] = torch.nn.functional.scaled_dot_product_attention(*inputs)[2, 5, 22:27]
    (mistake,) = diagnose(*inputs, output, causal=True, query_offset=0).mistakes
    assert (mistake.name, mistake.items, mistake.heads, mistake.queries) == (
        "causal-missing",
        (2,),
        (5,),
        (range(22, 27),),
    )


def test_rows_that_depart_here_and_there_do_not_make_it_large():
    every_other = problem(10, 600)
    every_other.output[:, :, ::2] = 1
    assert len(cut(every_other, SINGLE).rows) <= 200
    few = problem(10, 300)
    assert len(cut(few, SINGLE).rows) < 300
