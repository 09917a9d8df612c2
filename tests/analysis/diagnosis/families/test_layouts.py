"""Mistakes of memory."""

from __future__ import annotations

import numpy
import pytest
from diagnosed import evidence_of, nearest, of_family, planted_cases, require_shapes
from planted_attention import attention, problem
from replayed_mistakes import REPLAYED, inputs, output

from attnviz.analysis.diagnosis.computing import computed
from attnviz.analysis.diagnosis.families.layouts import (
    heads_first,
    heads_interleaved_in,
    heads_last,
    heads_not_transposed_in,
    heads_not_transposed_out,
    qkv_split_wrong,
    tokens_first,
    width_first,
)
from attnviz.analysis.diagnosis.inputs import asked

NONE = dict.fromkeys(("scale", "query_offset", "window", "softcap", "mask", "bias", "sinks")) | {"causal": False}
STILL = dict.fromkeys(("theta", "dims", "interleaved", "positions"))
MOVES = ((heads_first, tokens_first), (heads_last, width_first))


@pytest.mark.parametrize(("name", "bug"), of_family(("heads-not",)), ids=lambda one: getattr(one, "__name__", one))
def test_it_computes_what_code_with_the_mistake_computes(name, bug):
    (meant, result), *_ = planted_cases(name, bug, 1)
    assert nearest(name, meant, result) <= 1


def test_each_can_be_computed():
    require_shapes("layouts")


@pytest.mark.parametrize(("there", "back"), MOVES)
def test_the_way_back_leads_back(there, back):
    array = numpy.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    numpy.testing.assert_array_equal(back(there(array)), array)
    assert not numpy.array_equal(there(array), array)


def test_outputs_are_read_as_they_were_before_the_move():
    meant = problem(numpy.random.default_rng(3), groups=True)
    evidence = evidence_of(meant, attention(meant))
    for variant, move in zip(
        heads_not_transposed_out(evidence.meant), (tokens_first, heads_first, heads_last, width_first), strict=True
    ):
        numpy.testing.assert_array_equal(variant.recipe.read(move(evidence.output)), evidence.output)


def test_a_joint_projection_that_was_cut_by_heads_first():
    (one,) = (one for one in REPLAYED if one.names == ("qkv-split-wrong",))
    arrays, _ = inputs(one)
    problem_ = asked(*arrays, output(one), None, NONE, STILL)
    found = [computed(variant.recipe).output for variant in qkv_split_wrong(problem_.meant)]
    assert min(float(abs(each - problem_.output).max()) for each in found) < 1e-5


def test_of_weights_the_values_stay():
    ones = numpy.random.default_rng(0).standard_normal((2, 4, 3))
    meant = asked(ones, ones, ones, None, numpy.zeros((2, 4, 4)), NONE, STILL).meant
    for mistake in (heads_not_transposed_in, heads_interleaved_in):
        for variant in mistake(meant):
            assert variant.recipe.value is meant.value
    assert not list(heads_not_transposed_out(meant))
    assert not list(qkv_split_wrong(meant))
