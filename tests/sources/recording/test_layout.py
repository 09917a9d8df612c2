"""Which axes are keys, queries and heads."""

from __future__ import annotations

import pytest
import torch

from attnviz.sources.recording.chain import Chain
from attnviz.sources.recording.contraction import contraction
from attnviz.sources.recording.layout import NOWHERE, differs, has_no_query_axis, layout, plain_layout, varies
from attnviz.sources.recording.scores import Scores, UnnamedError

QUERY, KEY = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 6, 4)


def scores(equation, query=QUERY, key=KEY):
    return Scores.of(Chain(contraction("einsum", (equation, query, key), {})))


@pytest.mark.parametrize(
    ("equation", "dim", "order", "lead", "swapped"),
    [
        ("bhid,bhjd->bhij", -1, (0, 1, 2, 3), (2, 3), False),
        ("bhid,bhjd->bijh", 2, (0, 3, 1, 2), (2, 3), False),
        ("bhid,bhjd->ijbh", 1, (2, 3, 0, 1), (2, 3), False),
        ("bhid,bhjd->bhji", 2, (0, 1, 3, 2), (2, 3), False),
        ("bhid,bhjd->bhij", 2, (0, 1, 3, 2), (2, 3), True),
    ],
)
def test_axes_are_told_by_where_their_numbers_come_from(equation, dim, order, lead, swapped):
    found = layout(scores(equation), dim)
    assert (found.order, found.lead, found.swapped) == (order, lead, swapped)
    assert (found.queries, found.keys) == ((6, 5) if swapped else (5, 6))
    assert found.heads == 6


def test_its_cells_name_the_head_the_query_and_the_key_of_each_weight():
    found = layout(scores("bhid,bhjd->bijh"), 2)
    heads, queries, keys = found.cells(QUERY.device)
    laid = torch.randn(2, 5, 6, 3)
    assert torch.equal(found.flat(laid)[heads.long(), queries.long(), keys.long()], laid)


def test_columns_of_no_product_are_no_keys():
    padded = scores("bhid,bhjd->bhij").moved(
        lambda array: torch.nn.functional.pad(array, (1, 0)),
        lambda places: torch.nn.functional.pad(places, (1, 0), value=NOWHERE),
    )
    found = layout(padded, 3)
    assert found.keys == 6
    assert found.real.tolist() == [False] + [True] * 6
    assert found.cells(QUERY.device).keys[0, 0, 0].tolist() == [NOWHERE, 0, 1, 2, 3, 4, 5]
    assert found.flat(torch.randn(2, 3, 5, 7)).shape == (6, 5, 6)


def test_a_softmax_over_heads_is_none_over_keys():
    with pytest.raises(UnnamedError, match="not over the keys"):
        layout(scores("bhid,bhjd->bhij"), 1)
    with pytest.raises(UnnamedError, match="a single row"):
        layout(scores("bhid,bhjd->bhij").moved(torch.flatten), 0)


def test_a_single_query_and_a_single_key():
    assert layout(scores("bhid,bhjd->bhij", QUERY[:, :, :1]), 3).queries == 1
    assert not layout(scores("bhid,bhjd->bhij", key=KEY[:, :, :1]), 3).swapped


def test_where_nothing_is_known_the_last_other_axis_is_the_queries():
    assert plain_layout(torch.Size([2, 3, 5, 6]), -1)[:4] == ((0, 1, 2, 3), (2, 3), 5, 6)
    assert plain_layout(torch.Size([6]), 0)[:4] == ((0,), (), 1, 6)


def test_what_differs_along_an_axis():
    places = torch.tensor([[NOWHERE, 3, 3], [NOWHERE, 3, 4]])
    assert (varies(places, 1), varies(places[:1], 1), varies(places, 0)) == (True, False, True)
    assert not varies(places[:, :1].expand(2, 5), 1)
    numbers = torch.tensor([[-1.0, 0.5]])
    assert differs(numbers, 1)
    assert not differs(numbers, 0)


@pytest.mark.parametrize(
    ("equation", "query", "key", "dim", "expected"),
    [
        ("bd,bjd->bj", torch.randn(2, 4), torch.randn(2, 6, 4), -1, True),
        ("bjd,bd->jb", torch.randn(2, 6, 4), torch.randn(2, 4), 0, True),
        ("id,jd->ij", torch.randn(5, 4), torch.randn(6, 4), 1, False),
        ("bhid,bhjd->bhij", QUERY, KEY, -1, False),
    ],
)
def test_only_items_with_a_single_query_need_no_axis_for_it(equation, query, key, dim, expected):
    assert has_no_query_axis(scores(equation, query, key), dim) is expected
