"""A rule refuses what makes no sense, and guesses nothing."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from attention_arrays import KINDS, head, normal
from case_bounds import bounds_of, require_same
from strategies import Case
from tolerances import require_near
from torch.nn.functional import scaled_dot_product_attention

from attnviz.attention.formula import attend
from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError


@KINDS
@pytest.mark.parametrize("option", ["window", "query_offset"])
@pytest.mark.parametrize("number", [10**30, 2**63 - 1])
def test_positions_beyond_all_integers_are_told(convert, option, number):
    array = convert(normal(3, 2))
    with pytest.raises(AttnvizError, match=f"{option} is {number}"):
        attend(array, array, array, causal=True, **{option: number})


@KINDS
@pytest.mark.parametrize("options", [{"causal": True}, {"window": 2}])
def test_different_numbers_of_queries_and_keys_need_an_offset(convert, options):
    query, key = convert(head(2, 3)), convert(head(5, 3))
    with pytest.raises(AttnvizError, match="2 queries and 5 keys") as error:
        attend(query, key, key, **options)
    assert "query_offset=0" in error.value.hint
    assert "query_offset=3" in error.value.hint


@KINDS
def test_the_two_offsets_align_first_and_last(convert):
    query, key, value = convert(normal(2, 3)), convert(normal(5, 3)), convert(normal(5, 3))
    torch_arrays = [torch.from_numpy(numpy.asarray(array))[None] for array in (query, key, value)]
    below = torch.ones(2, 5, dtype=torch.bool).tril(3)
    for offset, theirs in ((0, {"is_causal": True}), (3, {"attn_mask": below})):
        case = Case(*(numpy.asarray(array) for array in (query, key, value)), {"causal": True, "query_offset": offset})
        allowed = bounds_of(case).errors.output + bounds_of(case, exp=20, argument=3).errors.output  # ours and torch's
        ours = attend(query, key, value, **case.options).output
        require_near(ours, scaled_dot_product_attention(*torch_arrays, **theirs)[0], allowed)


@pytest.mark.parametrize("options", [{"scale": math.nan}, {"window": 0}, {"softcap": 0}])
def test_a_rule_refuses_bad_numbers_when_it_is_made(options):
    with pytest.raises(AttnvizError, match=next(iter(options))):
        Rule(**options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"causal": 2}, "causal is 2: it must be true or false"),
        ({"scale": "1/2"}, "scale is '1/2': it must be a number"),
        ({"window": 2.5}, "window is 2.5: it must be a whole number"),
        ({"softcap": math.inf}, "softcap is inf: it must be a finite number above 0"),
    ],
)
def test_a_rule_names_what_is_no_number(options, words):
    with pytest.raises(AttnvizError, match=words):
        Rule(**options)


def test_the_scale_is_that_of_the_dimension_unless_it_is_given():
    assert Rule().scale_for(16) == 0.25
    assert Rule(scale=numpy.float32(0.5)).scale_for(16) == 0.5
    assert type(Rule(scale=numpy.float32(0.5)).scale) is float


ARRAYS = {"mask": normal(4, 5, 6) > 0, "bias": normal(5, 6), "sinks": normal(4)}


def test_the_rule_of_some_queries_keys_or_heads_is_that_of_their_cells():
    query, key = normal(4, 5, 3), normal(2, 6, 3)
    rule = Rule(**ARRAYS, causal=True, query_offset=1, window=4)
    whole = Case(query, key, key, vars(rule))
    rows = Case(query[:, 1:3], key, key, vars(rule.of_queries(1, 3, 5, 6)))
    require_same(whole, rows, part=lambda array, _: array[:, 1:3])
    keys = Case(query, key[:, 2:5], key[:, 2:5], vars(rule.of_keys(2, 5, 5, 6)))
    require_same(whole, keys, names=("scores", "scaled", "masked"), part=lambda array, _: array[..., 2:5])
    heads = Case(query[2:], key[1:], key[1:], vars(rule.of_heads(slice(2, 4))))
    require_same(whole, heads, part=lambda array, _: array[2:])
    for number in range(4):
        alone = Case(query[number], key[number // 2], key[number // 2], vars(rule.of_head(number)))
        require_same(whole, alone, part=lambda array, _, number=number: array[number])


def test_a_rule_without_arrays_is_that_of_each_head():
    rule = Rule(causal=True)
    assert rule.of_head(3) is rule
    shared = Rule(mask=numpy.ones((1, 6), dtype=bool), bias=numpy.zeros((1, 5, 1)))
    assert shared.of_queries(1, 2, 5, 6).mask.shape == (1, 6)
    assert shared.of_keys(1, 2, 5, 6).bias.shape == (1, 5, 1)
    assert shared.of_head(2).bias.shape == (5, 1)
