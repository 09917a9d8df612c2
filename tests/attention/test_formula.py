import math
import re
import subprocess
import sys
from dataclasses import replace

import ml_dtypes
import numpy
import pytest
import torch
from attention_arrays import KINDS, normal
from case_bounds import bounds_of, require_same
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import Case, attention_cases
from tolerances import Arithmetic, bounded, hidden, require_near
from torch.nn.functional import scaled_dot_product_attention

from attnviz.attention.formula import Steps, attend, hiding, log_softmax, outputs_alone, weights_of
from attnviz.attention.rule import Rule
from attnviz.attention.visibility import Visibility
from attnviz.errors import AttnvizError

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test
torch.set_num_threads(1)  # small tensors on shared cores: threads only wait for each other
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def oracle(case: Case, value: numpy.ndarray) -> numpy.ndarray:
    """What torch computes for ``case`` with ``value``; NaN for a query that sees nothing."""
    shape = (-1, *((1,) * 3 + case.scores_shape)[-3:])  # (batch, heads, queries, keys)
    query, key, value = (
        torch.tensor(array).reshape(-1, *((1,) * 3 + array.shape)[-3:]) for array in (case.query, case.key, value)
    )
    heads = query.shape[1]
    options = case.options
    closed = torch.from_numpy(hidden(options, case.scores_shape))
    added = torch.zeros(case.scores_shape, dtype=torch.float64).masked_fill(closed, -torch.inf)
    if options["bias"] is not None:
        added = added + torch.from_numpy(options["bias"])
    added = added.reshape(shape)
    if options["softcap"] is not None:
        scale = query.shape[-1] ** -0.5 if options["scale"] is None else options["scale"]
        scores = scale * query @ key.repeat_interleave(heads // key.shape[1], dim=1).mT
        added = added + options["softcap"] * torch.tanh(scores / options["softcap"])
        query = torch.zeros_like(query)
    if options["sinks"] is not None:
        # One more key whose score is the logit, and whose value is nothing.
        logits = torch.from_numpy(options["sinks"]).reshape(1, heads, 1, 1).expand(*added.shape[:-1], 1)
        added = torch.cat([added, logits], dim=-1)
        key, value = (torch.nn.functional.pad(array, (0, 0, 0, 1)) for array in (key, value))
    result = scaled_dot_product_attention(
        query, key, value, attn_mask=added, scale=options["scale"], enable_gqa=key.shape[1] != heads
    )
    return result.reshape(*case.scores_shape[:-1], value.shape[-1]).numpy()


@KINDS
@settings(max_examples=80)
@given(case=attention_cases())
def test_output_and_weights_are_those_of_torch(convert, case):
    require_torchs_output_and_weights(convert, case)


@pytest.mark.slow
@KINDS
@settings(max_examples=1500)
@given(case=attention_cases())
def test_output_and_weights_are_those_of_torch_in_many_more_cases(convert, case):
    require_torchs_output_and_weights(convert, case)


def require_torchs_output_and_weights(convert, case):
    steps = case.attend(convert)
    blind = hidden(case.options, case.scores_shape).all(axis=-1)
    one_hot = numpy.broadcast_to(numpy.eye(case.key.shape[-2]), (*case.key.shape[:-1], case.key.shape[-2]))
    assert_array_equal(steps.blind, blind)
    for ours, value in ((steps.output, case.value), (steps.weights, one_hot)):
        seen = replace(case, value=value)
        allowed = bounds_of(seen).errors.output + bounds_of(seen, exp=20, argument=3).errors.output  # ours and torch's
        require_near(ours[~blind], oracle(case, value)[~blind], allowed[~blind])
        assert_array_equal(ours[blind], 0)


@settings(max_examples=150)
@given(case=attention_cases())
def test_the_output_alone_is_torchs_unless_a_query_sees_nothing(case):
    case = case.but(bias=None, sinks=None)
    array, rule = torch.from_numpy, Rule(**case.options)
    rule = rule if rule.mask is None else replace(rule, mask=array(rule.mask))
    every = [slice(0, count) for count in case.scores_shape[-2:]]
    shown = Visibility.of(rule, *case.scores_shape[-2:], rule.mask).block(*every, torch, "cpu")
    alone = outputs_alone(array(case.query), array(case.key), array(case.value), rule, shown)
    if hidden(case.options, case.scores_shape).all(axis=-1).any():
        assert alone is None
        return
    allowed = 2 * bounds_of(case).errors.output + bounds_of(case, exp=20, argument=3).errors.output
    require_near(alone.numpy(), oracle(case, case.value), allowed)


@pytest.mark.parametrize("place", [0, 1, 2], ids=["query", "key", "value"])
@pytest.mark.parametrize("number", [math.nan, math.inf, 1e30])
def test_there_is_no_output_alone_of_what_is_not_finite(place, number):
    arrays = [torch.from_numpy(normal(2, 7, 3, seed=seed)).float() for seed in range(3)]
    arrays[place][1, 3] = number
    if number == 1e30:  # then the product is too large
        arrays[0][1, 3] = arrays[1][1, 3] = number
    assert outputs_alone(*arrays, Rule(), None) is None


def test_the_output_alone_of_half_precision_is_computed_in_float32():
    arrays = [torch.from_numpy(normal(2, 7, 3, seed=seed)).bfloat16() for seed in range(3)]
    alone = outputs_alone(*arrays, Rule(), torch.ones(7, 7, dtype=torch.bool).tril())
    assert alone.dtype == torch.float32
    torch.testing.assert_close(
        alone, scaled_dot_product_attention(*(array.float() for array in arrays), is_causal=True)
    )


@KINDS
def test_a_sink_far_above_the_scores_takes_all(convert):
    array = convert(normal(2, 3, 2))
    assert_array_equal(attend(array, array, array, sinks=[1000.0, 1e6]).weights, 0)


@pytest.mark.parametrize("cached", [1, 3, 6])
def test_a_cache_with_its_offset_continues_the_whole_run(cached):
    query, key, value = normal(2, 7, 3), normal(2, 7, 3, seed=1), normal(2, 7, 3, seed=2)
    whole = Case(query, key, value, {"causal": True})
    last = Case(query[:, cached:], key, value, {"causal": True, "query_offset": cached})
    require_same(whole, last, part=lambda array, _: array[:, cached:])


@KINDS
def test_one_head_without_its_axis_is_the_same_head(convert):
    query, key, value = normal(4, 3), normal(5, 3), normal(5, 2)
    flat = Case(query, key, value, {"sinks": numpy.array([0.5])})
    headed = Case(query[None], key[None], value[None], {"sinks": numpy.array([0.5])})
    require_same(headed, flat, convert, part=lambda array, _: array[0])


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (numpy.float16, numpy.float32),
        (ml_dtypes.bfloat16, numpy.float32),
        (numpy.float32, numpy.float32),
        (numpy.float64, numpy.float64),
        (numpy.int8, numpy.float64),
        (numpy.uint64, numpy.float64),
        (numpy.bool, numpy.float64),
        (">f4", numpy.float32),
    ],
)
def test_numpy_dtypes(dtype, expected):
    arrays = [(2 * normal(2, 4, 3, seed=seed)).clip(0).astype(dtype) for seed in range(3)]
    options = {"causal": True, "softcap": 5.0, "sinks": [0.1, 0.2], "bias": numpy.zeros((4, 4))}
    steps = attend(*arrays, **options)
    assert {array.dtype for array in steps} == {numpy.dtype(expected)}
    assert all(isinstance(array, numpy.ndarray) for array in steps)
    bounded(*arrays, Arithmetic.of(expected), options).require(steps)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
        (torch.int32, torch.float64),
    ],
)
def test_torch_dtypes(device, dtype, expected):
    arrays = [(2 * torch.from_numpy(normal(2, 4, 3, seed=seed))).to(device, dtype) for seed in range(3)]
    options = {"causal": True, "softcap": 5.0, "sinks": [0.1, 0.2], "mask": numpy.ones((4, 4), dtype=bool)}
    steps = attend(*arrays, **options)
    assert {(step.dtype, step.device) for step in steps} == {(expected, arrays[0].device)}
    exact = bounded(
        *(array.cpu().double().numpy() for array in arrays), Arithmetic.of(steps.output.cpu().numpy().dtype), options
    )
    exact.require(Steps(*(step.cpu() for step in steps)))


@pytest.mark.parametrize(("mixed", "expected"), [(numpy.float64, numpy.float64), (numpy.float16, numpy.float32)])
def test_mixed_precision_takes_the_better_one(mixed, expected):
    query, key = normal(3, 2).astype(numpy.float32), normal(3, 2).astype(mixed)
    assert attend(query, key, query).output.dtype == expected
    assert attend(*map(torch.from_numpy, (query, key, query))).output.numpy().dtype == expected


@KINDS
@pytest.mark.parametrize("option", ["scale", "softcap"])
def test_a_numpy_number_as_an_option_does_not_widen_the_result(convert, option):
    array = convert(normal(3, 4).astype(numpy.float32))
    steps = attend(array, array, array, **{option: 1 / numpy.sqrt(4)})
    assert {step.dtype for step in steps} == {array.dtype}


def test_nested_lists_are_arrays():
    steps = attend([[1, 2, 3]], [[2, 1, 0], [1, 2, 3]], [[1, 0], [0, 1]], scale=1)
    assert_array_equal(steps.scores, [[4, 14]])
    allowed = Arithmetic.of(float).gamma(10)  # a few roundings of each, and what exp is off by
    require_near(steps.output, [[1 / (1 + math.exp(10)), 1 / (1 + math.exp(-10))]], allowed)


@pytest.mark.parametrize("options", [{}, {"causal": True, "window": 2, "softcap": 3.0}])
def test_gradients_are_those_of_the_function(options):
    arrays = [torch.from_numpy(normal(2, 4, 3, seed=seed)).requires_grad_() for seed in range(3)]
    bias, sinks = (torch.from_numpy(normal(*shape)).requires_grad_() for shape in ((4, 4), (2,)))

    def run(query, key, value, bias, sinks):
        steps = attend(query, key, value, bias=bias, sinks=sinks, **options)
        return steps.output, steps.weights

    assert torch.autograd.gradcheck(run, (*arrays, bias, sinks))


def test_gradients_of_a_blind_query_are_zero():
    query, key, value = (torch.from_numpy(normal(3, 2, seed=seed)).requires_grad_() for seed in range(3))
    mask = torch.tensor([[True, False, True], [False, False, False], [True, True, True]])
    attend(query, key, value, mask=mask).output.sum().backward()
    assert_array_equal(query.grad[1], 0)
    assert all(bool(array.grad.isfinite().all()) for array in (query, key, value))
    assert value.grad.abs().min() > 0


def test_numpy_arrays_load_neither_torch_nor_its_helpers():
    program = (
        "import sys, numpy, attnviz\n"
        "array = numpy.ones((2, 3), dtype=numpy.float16)\n"
        "attnviz.attend(array, array, array, causal=True, softcap=3.0, sinks=[0.0], bias=[[0, 0], [0, 0]])\n"
        "attnviz.trace_text('Your journey', heads=2).layers[0].steps()\n"
        "assert not {'torch', 'array_api_compat', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@KINDS
@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
@settings(max_examples=40)
@given(data=st.data())
@pytest.mark.some(2)
def test_finite_inputs_give_finite_results_or_an_error(convert, dtype, data):
    width = numpy.finfo(dtype).bits
    number = st.floats(allow_nan=False, allow_infinity=False, width=width)
    array = st.lists(number, min_size=6, max_size=6).map(lambda row: convert(numpy.reshape(row, (3, 2)).astype(dtype)))
    positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
    options = {
        "scale": data.draw(st.none() | number),
        "softcap": data.draw(st.none() | positive),
        "bias": data.draw(st.none() | st.lists(st.lists(number, min_size=3, max_size=3), min_size=3, max_size=3)),
        "sinks": data.draw(st.none() | number.map(lambda logit: [logit])),
    }
    try:
        steps = attend(*(data.draw(array) for _ in range(3)), **options)
    except AttnvizError:
        return
    for step in (steps.scaled, steps.weights, steps.output):
        assert numpy.isfinite(numpy.asarray(step)).all()


@KINDS
@pytest.mark.parametrize("softcap", [1e300, 1e-40, 1e-60])
def test_a_softcap_beyond_the_type_is_told_without_a_warning(convert, softcap):
    array = convert(normal(3, 2).astype(numpy.float32))
    with pytest.raises(AttnvizError, match=f"softcap is {re.escape(str(softcap))}"):
        attend(array, array, array, softcap=softcap)


@KINDS
@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
@pytest.mark.parametrize("keys", [3, 49])
def test_values_at_the_edge_of_their_type_do_not_overflow_silently(convert, dtype, keys):
    """Their mean rounds up to infinity, which is an error, or it does not; that of halves never does."""
    value = numpy.full((keys, 2), numpy.finfo(dtype).max, dtype=dtype)
    query, key = (convert(array.astype(dtype)) for array in (normal(4, 2), normal(keys, 2)))
    try:
        output = numpy.asarray(attend(query, key, convert(value)).output)
    except AttnvizError:
        output = value / 2
    assert numpy.isfinite(output).all()
    arrays = normal(4, 2).astype(dtype), normal(keys, 2).astype(dtype), value / 2
    bounded(*arrays, Arithmetic.of(dtype), {}).require(attend(*map(convert, arrays)))


@KINDS
@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_scores_that_overflow_are_told_without_a_warning(convert, dtype):
    huge = convert(numpy.full((2, 2), 1e30 if dtype == numpy.float32 else 1e300, dtype=dtype))
    with pytest.raises(AttnvizError, match=f"too large for .*{dtype.__name__}"):
        attend(huge, huge, huge)


@KINDS
def test_scores_that_overflow_are_told_where_a_softcap_would_hide_it(convert):
    huge, value = (convert(numpy.full((2, 2), size, dtype=numpy.float32)) for size in (1e30, 1.0))
    with pytest.raises(AttnvizError, match=r"^the scores are too large for"):
        attend(huge, huge, value, softcap=5.0)


@KINDS
@pytest.mark.parametrize("options", [{"scale": 1e300}, {"bias": [[1e300, 0.0]]}, {"bias": [[3e38, 3e38]]}])
def test_options_that_overflow_are_told_without_a_warning(convert, options):
    array = convert(numpy.full((2, 2), 1e19, dtype=numpy.float32))
    with pytest.raises(AttnvizError, match="too large"):
        attend(array, array, array, **options)


@KINDS
def test_sinks_that_overflow_are_told_without_a_warning(convert):
    array = convert(normal(3, 2).astype(numpy.float32))
    with pytest.raises(AttnvizError, match="sinks"):
        attend(array, array, array, sinks=[1e300])


@KINDS
def test_a_very_negative_bias_hides_like_minus_infinity(convert):
    array = convert(normal(3, 2).astype(numpy.float32))
    bias = numpy.array([[0, -1e300, 0]] * 3)
    expected = attend(array, array, array, mask=bias == 0)
    assert_array_equal(attend(array, array, array, bias=bias).weights, expected.weights)


def head(*shape):
    return numpy.ones(shape)


@KINDS
@pytest.mark.parametrize("lowest", [-1e4, -1e9, float(numpy.finfo(numpy.float32).min), -math.inf])
def test_what_a_bias_lowers_far_enough_is_hidden(convert, lowest):
    arrays = [convert(normal(4, 3)) for _ in range(3)]
    bias = numpy.where(numpy.tril(numpy.ones((4, 4))) == 1, 0.0, lowest)
    steps = attend(*arrays, bias=bias)
    assert_array_equal(steps.hidden, numpy.triu(numpy.ones((4, 4)), 1) == 1)
    assert_array_equal(numpy.asarray(steps.weights)[numpy.asarray(steps.hidden)], 0)


@pytest.mark.parametrize(
    ("given", "words"), [({}, "scores"), ({"softcap": 2.0}, "scores"), ({"bias": [[1.7e308, 1.7e308]]}, "masked")]
)
def test_the_first_step_whose_numbers_are_too_large_is_named(given, words):
    query = numpy.full((1, 1), 1e200 if words == "scores" else 1e154)
    with pytest.raises(AttnvizError, match=words):
        attend(query, query.repeat(2, axis=0), numpy.ones((2, 2)), scale=1.0, **given)


def test_the_logarithm_of_a_share_is_not_rounded_to_that_of_0():
    logits = numpy.array([[0.0, -800.0, 3.0], [1e5, 0.0, 0.0]])
    theirs = torch.log_softmax(torch.tensor(logits), dim=-1).numpy()
    numpy.testing.assert_allclose(log_softmax(logits), theirs, rtol=1e-12)
    assert numpy.isfinite(log_softmax(logits)).all()


@pytest.mark.parametrize("rule", [Rule(), Rule(causal=True), Rule(scale=0.7, softcap=1.5), Rule(causal=True, window=2)])
@pytest.mark.parametrize("front", [(), (3,), (2, 3)], ids=str)
def test_weights_alone_of_any_number_of_texts_are_those_of_each(rule, front):
    """Query heads share key heads, and what hides cells is added: torch's own softmax says what comes out."""
    draw = torch.Generator().manual_seed(4)
    query = torch.randn(*front, 4, 6, 5, generator=draw, dtype=torch.float64)
    key = torch.randn(*front, 2, 6, 5, generator=draw, dtype=torch.float64)
    distance = torch.arange(6)[:, None] - torch.arange(6)
    shown = torch.ones(6, 6, dtype=torch.bool) if not rule.causal else distance >= 0
    shown = shown if rule.window is None else shown & (distance.abs() < rule.window)
    scores = query @ key.repeat_interleave(2, dim=-3).transpose(-1, -2) * (rule.scale or 5**-0.5)
    scores = scores if rule.softcap is None else rule.softcap * torch.tanh(scores / rule.softcap)
    expected = scores.masked_fill(~shown, -math.inf).softmax(-1)
    torch.testing.assert_close(weights_of(query, key, rule, hiding(shown)), expected, rtol=1e-10, atol=1e-12)
    if rule == Rule():
        torch.testing.assert_close(weights_of(query, key, rule, None), expected, rtol=1e-10, atol=1e-12)


def test_a_query_that_sees_nothing_has_no_weights():
    arrays = torch.ones(1, 3, 2), torch.ones(1, 3, 2)
    weights = weights_of(*arrays, Rule(), hiding(torch.tensor([[True] * 3, [False] * 3, [True, False, False]])))
    assert weights[0, 1].isnan().all()
    torch.testing.assert_close(weights[0, [0, 2]], torch.tensor([[1 / 3] * 3, [1.0, 0.0, 0.0]]))


def test_weights_alone_of_half_precision_are_computed_in_float32():
    arrays = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    assert weights_of(arrays, arrays, Rule(), None).dtype == torch.float32
