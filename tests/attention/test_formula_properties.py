"""What must hold of attention whatever its numbers are, as near as their rounding allows (tests/support/tolerances.py).

Each property takes how the arrays are given and how a case is drawn. All are tried in a few cases here, and in many in CI.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy
import pytest
import strategies
from attention_arrays import KINDS_OF_ANY_TYPE, normal
from case_bounds import bounds_of, require_same
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import Case, attention_cases, typed_cases
from tolerances import hidden, of_a_sum_of_weights, require_near, softmax

RESULTS = ("weights", "output")


def rows_add_up_to_one(convert, draw):
    """0 where a query sees nothing."""
    steps = draw(typed_cases(sinks=None)).attend(convert)
    total = steps.weights.astype(numpy.longdouble).sum(axis=-1)
    allowed = of_a_sum_of_weights(steps.weights.shape[-1], steps.weights.dtype)
    require_near(total, numpy.where(steps.blind, 0, 1), numpy.where(steps.blind, 0, allowed))


def a_sink_is_one_more_key_without_a_value(convert, draw):
    case = draw(typed_cases())
    heads = 1 if case.query.ndim == 2 else case.query.shape[-3]
    case = case.but(sinks=draw(st.sampled_from([1.0, 30.0])) * normal(heads, seed=draw(st.integers(0, 99))))
    bias = 0.0 if case.options["bias"] is None else case.options["bias"]
    sinks = numpy.broadcast_to(
        numpy.reshape(case.options["sinks"], (-1, *[1] * (min(case.query.ndim, 3) - 1))), case.scores_shape
    )
    logits = numpy.concatenate([numpy.broadcast_to(bias, case.scores_shape), sinks[..., :1]], axis=-1)
    seen = numpy.concatenate([~hidden(case.options, case.scores_shape), numpy.ones_like(sinks[..., :1], bool)], axis=-1)
    key, value = (
        numpy.concatenate([array, numpy.zeros_like(array[..., :1, :])], axis=-2) for array in (case.key, case.value)
    )
    rest = {"sinks": None, "mask": seen, "bias": logits, "causal": False, "window": None}
    longer = replace(case, key=key, value=value, options=case.options | rest)
    require_same(longer, case, convert, RESULTS, lambda array, name: array[..., :-1] if name == "weights" else array)


def a_constant_added_to_a_row_changes_nothing(convert, draw):
    """The numbers are such that their sum is exact: what is left is the rounding of attend() itself."""
    case = draw(attention_cases()).but(sinks=None)
    bias = 0.0 if case.options["bias"] is None else numpy.rint(1024 * case.options["bias"]) / 1024
    random = numpy.random.default_rng(draw(st.integers(0, 99)))
    shift = random.integers(-1000, 1000, (*case.scores_shape[:-1], 1)).astype(float)
    bias = numpy.broadcast_to(bias, case.scores_shape)
    require_same(case.but(bias=bias + shift), case.but(bias=bias), convert, RESULTS)


def the_order_of_keys_with_their_values_changes_nothing(convert, draw):
    case = draw(typed_cases(causal=False, window=None))
    order = numpy.random.default_rng(draw(st.integers(0, 99))).permutation(case.key.shape[-2])
    moved = {
        name: array[..., order]
        for name in ("mask", "bias")
        if (array := case.options[name]) is not None and array.shape[-1] > 1
    }
    other = Case(case.query, case.key[..., order, :], case.value[..., order, :], case.options | moved)
    require_same(case, other, convert, part=lambda array, name: array if name == "output" else array[..., order])


def a_causal_prefix_does_not_know_what_follows(convert, draw):
    case = draw(typed_cases())
    offset = case.options["query_offset"] or 0
    case = case.but(causal=True, query_offset=offset)
    keys = draw(st.integers(1, case.key.shape[-2]))
    queries = max(1, min(case.query.shape[-2], keys - offset))
    if queries + offset > keys:
        return  # its first query stands behind all of these keys
    cut = {
        name: array[..., :queries, :keys] if array.ndim > 1 else array[..., :keys]
        for name in ("mask", "bias")
        if (array := case.options[name]) is not None
    }
    shorter = Case(case.query[..., :queries, :], case.key[..., :keys, :], case.value[..., :keys, :], case.options | cut)
    require_same(
        case, shorter, convert, part=lambda array, name: array[..., :queries, : None if name == "output" else keys]
    )


def heads_are_computed_as_if_each_were_alone(convert, draw):
    case = draw(typed_cases())
    group = 1 if case.query.ndim == 2 else case.query.shape[-3] // case.key.shape[-3]
    for index in numpy.ndindex(case.query.shape[:-2]):
        own = (*index[:-1], index[-1] // group) if index else ()
        spread = {
            name: numpy.broadcast_to(array, case.scores_shape)[index]
            for name in ("mask", "bias")
            if (array := case.options[name]) is not None
        }
        sinks = case.options["sinks"]
        spread["sinks"] = sinks if sinks is None or not index else sinks[index[-1] :][:1]
        alone = Case(case.query[index], case.key[own], case.value[own], case.options | spread)
        require_same(case, alone, convert, part=lambda array, _, index=index: array[index])


def shared_keys_are_keys_that_are_repeated(convert, draw):
    case = draw(typed_cases())
    if case.query.ndim > 2:
        group = case.query.shape[-3] // case.key.shape[-3]
        key, value = (numpy.repeat(array, group, axis=-3) for array in (case.key, case.value))
        require_same(case, replace(case, key=key, value=value), convert)


def causal_and_window_are_a_mask(convert, draw):
    case = draw(typed_cases(mask=None))
    bias = case.options["bias"]
    seen = ~hidden(case.options | {"bias": None}, case.scores_shape)
    require_same(case, case.but(mask=seen, causal=False, window=None, bias=bias), convert)


def a_bias_of_minus_infinity_is_a_mask(convert, draw):
    case = draw(typed_cases(bias=None))
    if case.options["mask"] is not None:
        bias = numpy.where(case.options["mask"], 0.0, -numpy.inf)
        require_same(case, case.but(mask=None, bias=bias), convert)


def a_softcap_far_above_the_scores_is_none(convert, draw):
    """p · tanh(x / p) = x − x³ / 3p² + …, which is what is added to the rounding of the logits."""
    case = draw(attention_cases()).but(softcap=None)
    capped = case.but(softcap=draw(st.sampled_from([1e4, 1e6, 1e12])))
    bounds, found = bounds_of(case), capped.attend(convert)
    bent = abs(bounds.steps.scaled) ** 3 / (3 * capped.options["softcap"] ** 2)
    wide = bounds_of(capped).errors
    require_near(found.scaled, bounds.steps.scaled, wide.scaled + bent, "scaled")
    sinks = case.options["sinks"]
    logit = None if sinks is None else numpy.reshape(sinks, (-1, *[1] * (min(case.query.ndim, 3) - 1)))
    weights, error = softmax(bounds.steps.masked, wide.masked + bent, bounds.arithmetic, logit)
    require_near(found.weights, weights, error, "weights")


def powers_of_two_change_no_digit(convert, draw):
    """Query times 2ⁿ and scale by 2⁻ⁿ, value times 2ⁿ: the same bits, of other exponents."""
    case = draw(attention_cases())
    factor = 2.0 ** draw(st.integers(-20, 20))
    scale = case.query.shape[-1] ** -0.5 if case.options["scale"] is None else case.options["scale"]
    if abs(scale) < 1e-200:  # its digits would be lost below the smallest normal number
        scale = 1.0
    scaled = replace(case.but(scale=scale / factor), query=factor * case.query, value=factor * case.value).attend(
        convert
    )
    plain = case.but(scale=scale).attend(convert)
    assert_array_equal(scaled.scores, factor * plain.scores)
    assert_array_equal(scaled.output, factor * plain.output)
    for name in ("scaled", "masked", "weights"):
        assert_array_equal(getattr(scaled, name), getattr(plain, name))


PROPERTIES = (
    rows_add_up_to_one,
    a_sink_is_one_more_key_without_a_value,
    a_constant_added_to_a_row_changes_nothing,
    the_order_of_keys_with_their_values_changes_nothing,
    a_causal_prefix_does_not_know_what_follows,
    heads_are_computed_as_if_each_were_alone,
    shared_keys_are_keys_that_are_repeated,
    causal_and_window_are_a_mask,
    a_bias_of_minus_infinity_is_a_mask,
    a_softcap_far_above_the_scores_is_none,
    powers_of_two_change_no_digit,
)
EACH = pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)


@KINDS_OF_ANY_TYPE
@EACH
@settings(max_examples=8)
@given(data=st.data())
@pytest.mark.some(7)
def test_in_a_few_cases(convert, holds, data):
    holds(convert, data.draw)


@pytest.mark.slow
@KINDS_OF_ANY_TYPE
@EACH
@settings(max_examples=120)
@given(data=st.data())
def test_in_many_cases(convert, holds, data):
    holds(convert, data.draw)


@EACH
def test_each_finds_steps_that_are_a_thousandth_off(monkeypatch, holds):
    true, calls = strategies.attend, itertools.count(1)

    def off(*arguments, **options):
        return type(steps := true(*arguments, **options))(*(step * (1 + 1e-3 * next(calls)) for step in steps))

    monkeypatch.setattr(strategies, "attend", off)

    @settings(max_examples=30, phases=[Phase.generate])
    @given(data=st.data())
    def tried(data):
        holds(numpy.asarray, data.draw)

    with pytest.raises(AssertionError):
        tried()
