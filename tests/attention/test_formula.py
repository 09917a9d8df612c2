import math
import re
import subprocess
import sys

import ml_dtypes
import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import Case, attention_cases
from torch.nn.functional import scaled_dot_product_attention

from attnviz.attention.formula import attend
from attnviz.attention.heads import concat_heads, split_heads
from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError

EXACT = {"rtol": 1e-12, "atol": 1e-12}
KINDS = pytest.mark.parametrize("convert", [numpy.asarray, torch.from_numpy], ids=["numpy", "torch"])
torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test
torch.set_num_threads(1)  # small tensors on shared cores: threads only wait for each other
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def normal(*shape: int, seed: int = 0) -> numpy.ndarray:
    return numpy.random.default_rng([seed, *shape]).normal(size=shape)


def visible_positions(case: Case) -> torch.Tensor:
    """Which cells the positions alone let a query see, (queries, keys)."""
    queries, keys = case.scores_shape[-2:]
    position = torch.arange(queries)[:, None] + (case.options["query_offset"] or 0)
    key_position = torch.arange(keys)[None, :]
    visible = torch.ones(queries, keys, dtype=torch.bool)
    if case.options["causal"]:
        visible &= key_position <= position
    if case.options["window"] is not None:
        visible &= (key_position - position).abs() < case.options["window"]
    return visible


def oracle(case: Case, value: numpy.ndarray) -> numpy.ndarray:
    """What torch computes for ``case`` with ``value``; NaN for a query that sees nothing."""
    shape = (-1, *((1,) * 3 + case.scores_shape)[-3:])  # (batch, heads, queries, keys)
    query, key, value = (
        torch.tensor(array).reshape(-1, *((1,) * 3 + array.shape)[-3:]) for array in (case.query, case.key, value)
    )
    heads = query.shape[1]
    options = case.options
    added = torch.zeros(case.scores_shape, dtype=torch.float64).masked_fill(~visible_positions(case), -torch.inf)
    if options["mask"] is not None:
        added = added.masked_fill(~torch.from_numpy(options["mask"]), -torch.inf)
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


def hidden(case: Case) -> numpy.ndarray:
    """The cells that no query may see, by the words of the rule."""
    cells = numpy.broadcast_to(~visible_positions(case).numpy(), case.scores_shape).copy()
    if case.options["mask"] is not None:
        cells |= ~case.options["mask"]
    if case.options["bias"] is not None:
        cells |= case.options["bias"] == -numpy.inf
    return cells


@KINDS
@settings(max_examples=150)
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
    blind = hidden(case).all(axis=-1)
    one_hot = numpy.broadcast_to(numpy.eye(case.key.shape[-2]), (*case.key.shape[:-1], case.key.shape[-2]))
    assert_array_equal(steps.blind, blind)
    for ours, value in ((steps.output, case.value), (steps.weights, one_hot)):
        assert_allclose(ours[~blind], oracle(case, value)[~blind], **EXACT)
        assert_array_equal(ours[blind], 0)


@KINDS
@settings(max_examples=100)
@given(case=attention_cases())
def test_the_five_steps_fit_together(convert, case):
    steps = case.attend(convert)
    group = 1 if case.query.ndim == 2 else case.query.shape[-3] // case.key.shape[-3]
    key, value = (array if group == 1 else numpy.repeat(array, group, axis=-3) for array in (case.key, case.value))
    assert_allclose(steps.scores, numpy.einsum("...id,...jd->...ij", case.query, key), **EXACT)

    scale, softcap = case.options["scale"], case.options["softcap"]
    scaled = steps.scores * (1 / math.sqrt(case.query.shape[-1]) if scale is None else scale)
    assert_allclose(steps.scaled, scaled if softcap is None else softcap * numpy.tanh(scaled / softcap), **EXACT)

    added = 0 if case.options["bias"] is None else case.options["bias"]
    assert_allclose(steps.masked, numpy.where(hidden(case), -numpy.inf, steps.scaled + added), **EXACT)

    mass = numpy.exp(steps.masked)
    total = mass.sum(axis=-1, keepdims=True)
    if case.options["sinks"] is not None:
        total = total + numpy.exp(case.options["sinks"]).reshape(-1, *[1] * (min(case.query.ndim, 3) - 1))
    assert_allclose(steps.weights, mass / numpy.where(total == 0, 1, total), **EXACT)
    assert_allclose(steps.output, steps.weights @ value, **EXACT)


@given(case=attention_cases())
def test_rows_of_weights_sum_to_one(case):
    steps = case.but(sinks=None).attend()
    assert_allclose(steps.weights.sum(axis=-1), numpy.where(steps.blind, 0, 1), **EXACT)


@given(case=attention_cases(), logit=st.floats(-3, 3))
def test_sinks_take_their_share_of_every_row(case, logit):
    heads = 1 if case.query.ndim == 2 else case.query.shape[-3]
    steps = case.but(sinks=numpy.full(heads, logit)).attend()
    mass = numpy.exp(steps.masked).sum(axis=-1)
    assert_allclose(steps.weights.sum(axis=-1), mass / (mass + math.exp(logit)), **EXACT)
    assert (steps.weights.sum(axis=-1) < 1).all()


@KINDS
def test_a_sink_far_above_the_scores_takes_all(convert):
    array = convert(normal(2, 3, 2))
    assert_array_equal(attend(array, array, array, sinks=[1000.0, 1e6]).weights, 0)


@given(case=attention_cases(), seed=st.integers(0, 99))
def test_a_constant_added_to_a_row_changes_nothing(case, seed):
    case = case.but(sinks=None)
    bias = 0 if case.options["bias"] is None else case.options["bias"]
    shift = 10 * normal(*case.scores_shape[:-1], 1, seed=seed)
    shifted = case.but(bias=bias + numpy.broadcast_to(shift, case.scores_shape))
    assert_allclose(shifted.attend().weights, case.attend().weights, rtol=1e-12, atol=1e-13)


@given(case=attention_cases(), seed=st.integers(0, 99))
def test_the_order_of_keys_with_their_values_changes_nothing(case, seed):
    case = case.but(causal=False, window=None)
    order = numpy.random.default_rng(seed).permutation(case.key.shape[-2])
    moved = {
        name: array[..., order]
        for name in ("mask", "bias")
        if (array := case.options[name]) is not None and array.shape[-1] > 1
    }
    permuted = Case(case.query, case.key[..., order, :], case.value[..., order, :], case.options | moved)
    assert_allclose(permuted.attend().weights, case.attend().weights[..., order], **EXACT)
    assert_allclose(permuted.attend().output, case.attend().output, **EXACT)


@KINDS
@pytest.mark.parametrize("window", [None, 1, 3])
@pytest.mark.parametrize("kept", [1, 4, 7])
def test_causal_equals_truncation(convert, window, kept):
    query, key, value = normal(2, 7, 3), normal(1, 7, 3, seed=1), normal(1, 7, 5, seed=2)
    whole = Case(query, key, value, {"causal": True, "window": window})
    cut = Case(query[:, :kept], key[:, :kept], value[:, :kept], whole.options)
    assert_allclose(cut.attend(convert).output, whole.attend(convert).output[:, :kept], **EXACT)


@pytest.mark.parametrize("cached", [1, 3, 6])
def test_a_cache_with_its_offset_continues_the_whole_run(cached):
    query, key, value = normal(2, 7, 3), normal(2, 7, 3, seed=1), normal(2, 7, 3, seed=2)
    whole = attend(query, key, value, causal=True)
    last = attend(query[:, cached:], key, value, causal=True, query_offset=cached)
    assert_allclose(last.output, whole.output[:, cached:], **EXACT)


def test_grouped_heads_equal_repeated_heads():
    query, key, value = normal(6, 4, 3), normal(2, 5, 3), normal(2, 5, 2)
    repeated = attend(query, numpy.repeat(key, 3, axis=0), numpy.repeat(value, 3, axis=0))
    assert_allclose(attend(query, key, value).output, repeated.output, **EXACT)


@KINDS
def test_one_head_without_its_axis_is_the_same_head(convert):
    query, key, value = normal(4, 3), normal(5, 3), normal(5, 2)
    flat = Case(query, key, value, {"sinks": numpy.array([0.5])}).attend(convert)
    headed = Case(query[None], key[None], value[None], {"sinks": numpy.array([0.5])}).attend(convert)
    for one, all_heads in zip(flat, headed, strict=True):
        assert_allclose(one, all_heads[0], **EXACT)


def test_splitting_heads_takes_slices_of_each_row_and_concat_puts_them_back():
    rows = normal(5, 12)
    heads = split_heads(rows, 3)
    for number, head in enumerate(heads):
        assert_array_equal(head, rows[:, 4 * number : 4 * number + 4])
    assert_array_equal(concat_heads(heads), rows)


@pytest.mark.parametrize("heads", [0, -1, 5])
def test_dimensions_that_do_not_divide_into_heads(heads):
    with pytest.raises(AttnvizError, match=f"12 dimensions do not divide into {heads} heads"):
        split_heads(normal(5, 12), heads)


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
    steps = attend(*arrays, causal=True, softcap=5.0, sinks=[0.1, 0.2], bias=numpy.zeros((4, 4)))
    precise = attend(*(array.astype(numpy.float64) for array in arrays), causal=True, softcap=5.0, sinks=[0.1, 0.2])
    assert {array.dtype for array in steps} == {numpy.dtype(expected)}
    assert all(isinstance(array, numpy.ndarray) for array in steps)
    for ours, oracle in zip(steps, precise, strict=True):
        assert_allclose(ours, oracle, rtol=1e-5, atol=1e-5)


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
    steps = attend(*arrays, causal=True, softcap=5.0, sinks=[0.1, 0.2], mask=numpy.ones((4, 4), dtype=bool))
    precise = attend(*(array.cpu().double().numpy() for array in arrays), causal=True, softcap=5.0, sinks=[0.1, 0.2])
    for ours, oracle in zip(steps, precise, strict=True):
        assert (ours.dtype, ours.device) == (expected, arrays[0].device)
        assert_allclose(ours.cpu().numpy(), oracle, rtol=1e-5, atol=1e-5)


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
    assert_allclose(steps.output, [[1 / (1 + math.exp(10)), 1 / (1 + math.exp(-10))]], **EXACT)


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
@settings(max_examples=100)
@given(data=st.data())
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
    value = numpy.full((keys, 2), numpy.finfo(dtype).max, dtype=dtype)
    query, key = normal(4, 2).astype(dtype), normal(keys, 2).astype(dtype)
    try:
        output = attend(convert(query), convert(key), convert(value)).output
    except AttnvizError:
        return
    assert numpy.isfinite(numpy.asarray(output)).all()


@KINDS
@pytest.mark.parametrize("option", ["window", "query_offset"])
@pytest.mark.parametrize("number", [10**30, 2**63 - 1])
def test_positions_beyond_all_integers_are_told(convert, option, number):
    array = convert(normal(3, 2))
    with pytest.raises(AttnvizError, match=f"{option} is {number}"):
        attend(array, array, array, causal=True, **{option: number})


@KINDS
@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_scores_that_overflow_are_told_without_a_warning(convert, dtype):
    huge = convert(numpy.full((2, 2), 1e30 if dtype == numpy.float32 else 1e300, dtype=dtype))
    with pytest.raises(AttnvizError, match=f"too large for .*{dtype.__name__}"):
        attend(huge, huge, huge)


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
@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((3,), (3, 2), (3, 2)), [r"query has the shape \(3,\)", "expected"]),
        (((3, 2), (), (3, 2)), [r"key has the shape \(\)", "expected"]),
        (((3, 2), (3, 2), (1, 3, 2)), ["2, 2 and 3 axes"]),
        (((3, 2), (3, 4), (3, 2)), ["query has 2 dimensions but key has 4"]),
        (((3, 2), (5, 2), (4, 2)), ["key has 5 tokens but value has 4"]),
        (((4, 3, 2), (2, 3, 2), (4, 3, 2)), ["key has 2 heads but value has 4"]),
        (((4, 3, 2), (3, 3, 2), (3, 3, 2)), ["4 query heads", "3 key heads"]),
        (((2, 4, 3, 2), (3, 4, 3, 2), (3, 4, 3, 2)), ["differ before the heads", r"\(2, 4, 3, 2\)"]),
        (((0, 2), (3, 2), (3, 2)), ["query is empty", r"\(0, 2\)"]),
        (((3, 2), (0, 2), (0, 2)), ["key is empty"]),
        (((3, 2), (3, 2), (3, 0)), ["value is empty"]),
        (((3, 0), (3, 0), (3, 2)), ["query is empty"]),
    ],
)
def test_shapes_that_do_not_fit(convert, shapes, words):
    with pytest.raises(AttnvizError, match=".*".join(words)):
        attend(*(convert(numpy.ones(shape)) for shape in shapes))


@KINDS
@pytest.mark.parametrize("bad", [numpy.nan, numpy.inf, -numpy.inf])
@pytest.mark.parametrize(
    ("name", "place", "words"),
    [
        ("query", (1, 0), "token 1, dimension 0"),
        ("key", (1, 2, 0), "head 1, token 2, dimension 0"),
        ("value", (1, 0, 2, 1), "batch 1, head 0, token 2, dimension 1"),
    ],
)
def test_a_number_that_is_not_finite_is_named_with_its_place(convert, bad, name, place, words):
    arrays = {each: numpy.ones((2, 2, 3, 2)[-len(place) :]) for each in ("query", "key", "value")}
    arrays[name][place] = bad
    with pytest.raises(AttnvizError, match=f"{name} is not finite: {bad} at {words}$"):
        attend(**{each: convert(array) for each, array in arrays.items()})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([[1, 2], [3]], "key is ragged"),
        ([["a", "b"]], "key holds str"),
        (numpy.ones((3, 2), dtype=complex), "key holds complex128"),
        (torch.ones(3, 2, dtype=torch.complex64), "key holds complex"),
        (numpy.array([[None, 1]]), "key holds object"),
        (None, "key holds object"),
        (numpy.zeros((3, 2), dtype="M8[s]"), "key holds datetime64"),
    ],
)
def test_what_is_no_array_of_real_numbers(value, words):
    with pytest.raises(AttnvizError, match=words):
        attend(head(3, 2), value, head(3, 2))


def test_numpy_and_torch_are_not_mixed():
    with pytest.raises(AttnvizError, match="mix NumPy and torch"):
        attend(torch.ones(3, 2), head(3, 2), torch.ones(3, 2))


@KINDS
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mask": numpy.ones((3, 3))}, "mask holds .*float64 values: it must be boolean"),
        ({"mask": numpy.full((3, 3), 2, dtype=numpy.uint8)}, "mask holds .*uint8 values"),
        ({"mask": numpy.ones((3, 4), dtype=bool)}, r"mask has the shape \(3, 4\).*\(2, 3, 3\)"),
        ({"mask": numpy.ones((1, 2, 3, 3), dtype=bool)}, r"mask has the shape \(1, 2, 3, 3\)"),
        ({"bias": numpy.ones((3, 2, 3))}, r"bias has the shape \(3, 2, 3\).*\(2, 3, 3\)"),
        ({"bias": numpy.full((3, 3), numpy.nan)}, "bias holds NaN"),
        ({"bias": numpy.full((3, 3), numpy.inf)}, r"bias holds NaN or \+∞"),
        ({"sinks": numpy.zeros(3)}, r"sinks has the shape \(3,\): expected .*\(2,\)"),
        ({"sinks": numpy.zeros((2, 1))}, r"sinks has the shape \(2, 1\)"),
        ({"sinks": numpy.array([0, numpy.nan])}, "sinks holds a value that is not finite"),
        ({"sinks": numpy.array([0, -numpy.inf])}, "sinks holds a value that is not finite"),
        ({"scale": math.nan}, "scale is nan"),
        ({"scale": math.inf}, "scale is inf"),
        ({"window": 0}, "window is 0"),
        ({"window": -3}, "window is -3"),
        ({"softcap": 0.0}, "softcap is 0.0"),
        ({"softcap": -1.0}, "softcap is -1.0"),
        ({"softcap": math.nan}, "softcap is nan"),
        ({"softcap": math.inf}, "softcap is inf"),
    ],
)
def test_options_that_make_no_sense(convert, options, words):
    array = convert(head(2, 3, 2))
    options = {name: convert(value) if isinstance(value, numpy.ndarray) else value for name, value in options.items()}
    with pytest.raises(AttnvizError, match=words):
        attend(array, array, array, **options)


@pytest.mark.parametrize("name", ["mask", "bias", "sinks"])
def test_ragged_options_are_named(name):
    with pytest.raises(AttnvizError, match=f"{name} is ragged"):
        attend(head(3, 2), head(3, 2), head(3, 2), **{name: [[True], [False, True]]})


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
    first = attend(query, key, value, causal=True, query_offset=0).output
    last = attend(query, key, value, causal=True, query_offset=3).output
    below = torch.ones(2, 5, dtype=torch.bool).tril(3)
    assert_allclose(first, scaled_dot_product_attention(*torch_arrays, is_causal=True)[0], **EXACT)
    assert_allclose(last, scaled_dot_product_attention(*torch_arrays, attn_mask=below)[0], **EXACT)


@pytest.mark.parametrize("options", [{"scale": math.nan}, {"window": 0}, {"softcap": 0}])
def test_a_rule_refuses_bad_numbers_when_it_is_made(options):
    with pytest.raises(AttnvizError, match=next(iter(options))):
        Rule(**options)


@KINDS
def test_a_mask_of_zeros_and_ones_is_one_of_booleans(convert):
    arrays = [convert(normal(4, 3)) for _ in range(3)]
    mask = numpy.tril(numpy.ones((4, 4), dtype=numpy.int64))
    for whole, boolean in zip(attend(*arrays, mask=mask), attend(*arrays, mask=mask == 1), strict=True):
        assert_array_equal(whole, boolean)


@KINDS
@pytest.mark.parametrize("lowest", [-1e4, -1e9, float(numpy.finfo(numpy.float32).min), -math.inf])
def test_what_a_bias_lowers_far_enough_is_hidden(convert, lowest):
    arrays = [convert(normal(4, 3)) for _ in range(3)]
    bias = numpy.where(numpy.tril(numpy.ones((4, 4))) == 1, 0.0, lowest)
    steps = attend(*arrays, bias=bias)
    assert_array_equal(steps.hidden, numpy.triu(numpy.ones((4, 4)), 1) == 1)
    assert_array_equal(numpy.asarray(steps.weights)[numpy.asarray(steps.hidden)], 0)


def test_sinks_are_one_logit_a_head():
    array = numpy.zeros((2, 3, 4))
    with pytest.raises(AttnvizError, match=r"sinks has the shape \(2, 3\): expected one logit a head, \(2,\)"):
        attend(array, array, array, sinks=numpy.zeros((2, 3)))
