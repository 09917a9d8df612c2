"""Every step is as near to its definition as rounding allows, cell by cell; and the bound that says so is one, and a tight one."""

from __future__ import annotations

import mpmath
import numpy
import pytest
from attention_arrays import KINDS_OF_ANY_TYPE, normal
from case_bounds import bounds_of
from hypothesis import given, settings
from strategies import Case, attention_cases, typed_cases
from tolerances import Arithmetic, bounded, require_near

from attnviz import Steps


@KINDS_OF_ANY_TYPE
@settings(max_examples=40)
@given(case=typed_cases())
def test_every_step_is_as_near_as_rounding_allows(convert, case):
    bounds_of(case).require(case.attend(convert))


@pytest.mark.slow
@KINDS_OF_ANY_TYPE
@settings(max_examples=1200)
@given(case=typed_cases())
def test_every_step_is_as_near_as_rounding_allows_in_many_more_cases(convert, case):
    bounds_of(case).require(case.attend(convert))


@settings(max_examples=6)
@given(case=attention_cases())
@pytest.mark.parametrize("step", Steps._fields)
def test_an_error_above_the_bound_is_found_and_one_below_is_not(step, case):
    bounds = bounds_of(case)
    for share, found in ((0.99, False), (1.01, True)):
        moved = getattr(bounds.steps, step) + share * getattr(bounds.errors, step)
        steps = bounds.steps._replace(**{step: moved})
        if not found or not (getattr(bounds.errors, step) > 0).any():
            bounds.require(steps)
        else:
            with pytest.raises(AssertionError, match=f"^{step}"):
                bounds.require(steps)


@pytest.mark.parametrize(
    "planted",
    [
        lambda steps: steps._replace(weights=numpy.where(steps.weights == 0, 1e-9, steps.weights)),
        lambda steps: steps._replace(masked=numpy.where(numpy.isinf(steps.masked), -1e30, steps.masked)),
        lambda steps: steps._replace(output=numpy.full_like(steps.output, numpy.nan)),
        lambda steps: steps._replace(output=steps.output[..., :-1]),
    ],
    ids=["a hidden weight", "a hidden score", "NaN", "a shape"],
)
def test_what_is_wrong_in_kind_is_found(planted):
    case = Case(normal(2, 4, 3), normal(2, 4, 3), normal(2, 4, 3), {"causal": True})
    steps = case.attend()
    bounds_of(case).require(steps)
    with pytest.raises(AssertionError):
        bounds_of(case).require(planted(steps))


@pytest.mark.parametrize(
    ("computed", "promised"), [("float32", "float64"), ("bfloat16", "float32"), ("float16", "float32")]
)
@pytest.mark.parametrize("seed", range(5))
def test_the_next_smaller_type_is_found(computed, promised, seed):
    """The bound is tight enough to tell a step that was rounded to the next smaller type anywhere."""
    case = Case(*(normal(2, 16, 8, seed=3 * seed + part) for part in range(3)), {"causal": True})
    exact = bounds_of(case, promised)
    exact.require(exact.steps)
    for step in Steps._fields:
        rounded = getattr(exact.steps, step).astype(computed if computed != "bfloat16" else "float32")
        if computed == "bfloat16":
            rounded = (rounded.view(numpy.uint32) & 0xFFFF0000).view(numpy.float32)
        with pytest.raises(AssertionError, match=f"^{step}"):
            exact.require(exact.steps._replace(**{step: rounded.astype(numpy.longdouble)}))


@pytest.mark.parametrize("keys", [4, 64, 1024])
def test_the_bound_of_a_calm_row_is_a_few_units_in_the_last_place(keys):
    """Of weights: what the products lose, and n roundings of a sum."""
    case = Case(normal(1, 8), normal(keys, 8, seed=1), normal(keys, 2, seed=2), {})
    bounds = bounds_of(case)
    unit = numpy.finfo(float).eps / 2
    assert (bounds.errors.weights <= (keys + 150) * unit * bounds.steps.weights + 1e-300).all()


@settings(max_examples=15)
@given(case=attention_cases())
def test_the_definition_itself_is_that_of_fifty_digits(case):
    """One row of the widest numbers, against mpmath: the oracle's own error is what it says, too."""
    widest = Arithmetic(0.0, float(numpy.finfo(numpy.longdouble).tiny))  # its own unit is added in gamma
    bounds = bounded(case.query, case.key, case.value, widest, case.options)
    with mpmath.workdps(50):
        first = (0,) * (case.query.ndim - 1)
        query, key = (array.reshape(-1, *array.shape[-2:])[0] for array in (case.query, case.key))
        scores = [mpmath.fdot(map(mpmath.mpf, query[0].tolist()), map(mpmath.mpf, row.tolist())) for row in key]
        scale = case.options["scale"]
        scaled = [score * (1 / mpmath.sqrt(len(query[0])) if scale is None else mpmath.mpf(scale)) for score in scores]
        if case.options["softcap"] is not None:
            scaled = [case.options["softcap"] * mpmath.tanh(score / case.options["softcap"]) for score in scaled]
        bias = case.options["bias"]
        row = numpy.zeros(len(key)) if bias is None else numpy.broadcast_to(bias, case.scores_shape)[first]
        closed = numpy.isneginf(bounds.steps.masked[first])
        terms = [
            mpmath.mpf(0) if hides else mpmath.exp(score + mpmath.mpf(float(added)))
            for score, added, hides in zip(scaled, row, closed, strict=True)
        ]
        sinks = case.options["sinks"]
        total = mpmath.fsum(terms) + (0 if sinks is None else mpmath.exp(mpmath.mpf(float(sinks[0]))))
        weights = [term / (total or 1) for term in terms]
    for found, expected, allowed in (
        (bounds.steps.scaled, scaled, bounds.errors.scaled),
        (bounds.steps.weights, weights, bounds.errors.weights),
    ):
        digits = numpy.array([numpy.longdouble(mpmath.nstr(number, 30)) for number in expected])
        require_near(found[first], digits, allowed[first])
