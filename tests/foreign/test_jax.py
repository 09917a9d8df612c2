"""jax.nn.dot_product_attention, with every option it has and their combinations, on arrays of JAX that attend() is given as they are."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from foreign_suites import Suite, library
from strategies import typed
from tolerances import Arithmetic, Widest, bounded, require_near

from attnviz import AttnvizError, attend

CASES = 400
OURS, THEIRS = Arithmetic.of(numpy.float32), Arithmetic.of(numpy.float32, exp=8)
SHAPES = (2, 2, 1, 5, 5, 4), (2, 2, 2, 3, 7, 4), (2, 1, 3, 6, 4, 1)  # few: jax compiles each anew
KINDS = ("float32", "float32", "bfloat16", "float16")


def drawn(random: numpy.random.Generator, kind: str) -> tuple[Any, dict[str, Any]]:
    """Query, key and value of NumPy, (texts, tokens, heads, d), and the options of one call."""

    def maybe(value: Any, chance: float = 0.4) -> Any:
        return value if random.random() < chance else None

    texts, kv_heads, group, queries, keys, width = SHAPES[random.integers(len(SHAPES))]
    heads = kv_heads * group
    size = random.choice([0.3, 1.0, 5.0])
    shapes = (texts, queries, heads, width), (texts, keys, kv_heads, width), (texts, keys, kv_heads, width)
    arrays = [typed(size * random.standard_normal(shape), kind) for shape in shapes]
    shape = ((texts, heads) if random.random() < 0.5 else (1, 1)) + (queries, keys)
    left, right = (int(reach) for reach in random.integers(0, 4, 2))
    options = {
        "bias": maybe(random.standard_normal(shape).astype(numpy.float32)),
        "mask": maybe(random.random(shape) < 0.7),
        "scale": maybe(float(random.uniform(-1, 1))),
        "is_causal": bool(random.random() < 0.4),
        "local_window_size": maybe(random.choice([left, -1])),
        "query_seq_lengths": maybe(random.integers(1, queries + 1, texts), 0.2),
        "key_value_seq_lengths": maybe(random.integers(1, keys + 1, texts), 0.2),
    }
    if options["local_window_size"] is not None:
        options["local_window_size"] = (left, left) if options["local_window_size"] >= 0 else (left, right)
    return arrays, options


def as_ours(options: dict[str, Any], shape: tuple[int, ...], text: int, suite: Suite) -> dict[str, Any]:
    """attend()'s options for one text; ``shape`` is that of its scores, (heads, queries, keys)."""
    _, queries, keys = shape
    seen = numpy.ones(shape, bool)
    for name, axis in (
        ("query_seq_lengths", numpy.arange(queries)[:, None]),
        ("key_value_seq_lengths", numpy.arange(keys)),
    ):
        if options[name] is not None:
            suite.differs("lengths of its own")
            seen &= axis < options[name][text]
    window = None
    if options["local_window_size"] is not None:
        left, right = options["local_window_size"]
        if left == right or options["is_causal"]:
            window = left + 1
        else:
            suite.differs("a window of two lengths")
            distance = numpy.arange(keys) - numpy.arange(queries)[:, None]
            seen &= (-left <= distance) & (distance <= right)
    mask, bias = (
        None if options[name] is None else options[name][text % len(options[name])] for name in ("mask", "bias")
    )
    return {
        "scale": options["scale"],
        "causal": options["is_causal"],
        "query_offset": 0,
        "window": window,
        "mask": seen if mask is None else seen & mask,
        "bias": bias,
    }


def compare(arrays: list[Any], options: dict[str, Any], kind: str, suite: Suite) -> None:
    """One call, text by text. Where a query sees nothing jax has the mean of all values, and attend() 0."""
    jax = library("jax")
    result = numpy.asarray(jax.nn.dot_product_attention(*map(jax.numpy.asarray, arrays), **options))
    query, key, value = ([array[text].swapaxes(0, 1) for text in range(len(array))] for array in arrays)
    for text in range(len(query)):
        given = query[text], key[text], value[text]
        own = as_ours(options, (*query[text].shape[:2], key[text].shape[1]), text, suite)
        steps = attend(*map(jax.numpy.asarray, given), **own)
        exact = [bounded(*(numpy.asarray(one, numpy.float64) for one in given), one, own) for one in (OURS, THEIRS)]
        exact[0].require(steps)
        values = numpy.repeat(numpy.asarray(value[text], Widest), len(query[text]) // len(value[text]), axis=0)
        allowed = exact[0].errors.output + exact[1].errors.output
        expected = steps.output.astype(Widest)
        if kind != "float32":
            half = Arithmetic.of(kind if kind == "bfloat16" else numpy.float16)
            suite.differs("weights in half precision")
            rounded = (exact[1].steps.weights + exact[1].errors.weights) @ abs(values) * half.gamma(2)
            allowed = allowed + rounded + values.shape[-2] * half.tiny * abs(values).max()
        late = numpy.zeros(steps.blind.shape, bool)
        if options["query_seq_lengths"] is not None:  # behind the end of a text jax has 0, as well
            late |= numpy.arange(late.shape[-1]) >= options["query_seq_lengths"][text]
        if (lost := steps.blind & ~late).any():
            suite.differs("a mean where a query sees nothing")
            mean = numpy.broadcast_to(values.mean(axis=-2, keepdims=True), expected.shape)
            expected = numpy.where(lost[..., None], mean, expected)
            unit = THEIRS if kind == "float32" else half
            spread = unit.gamma(values.shape[-2] + 4) * abs(values).mean(axis=-2, keepdims=True)
            allowed = numpy.where(lost[..., None], spread, allowed)
        require_near(result[text].swapaxes(0, 1), expected, allowed, f"text {text}")


@pytest.mark.slow
def test_every_option_of_jax():
    suite, random = Suite("jax"), numpy.random.default_rng(0)
    for number in range(CASES):
        suite.cases += 1
        kind = KINDS[number % len(KINDS)]
        arrays, options = drawn(random, kind)
        try:
            compare(arrays, options, kind, suite)
        except Exception as error:
            error.add_note(f"case {number}: {options}")
            raise
    suite.require(
        CASES,
        "lengths of its own",
        "a window of two lengths",
        "weights in half precision",
        "a mean where a query sees nothing",
    )


@pytest.mark.slow
def test_a_row_of_minus_infinity_is_nan_to_jax():
    jax_numpy, suite = library("jax.numpy"), Suite("jax")
    array = jax_numpy.ones((1, 3, 1, 2))
    bias = numpy.zeros((1, 1, 3, 3), numpy.float32)
    bias[..., 1, :] = -numpy.inf
    result = numpy.asarray(library("jax.nn").dot_product_attention(array, array, array, bias=bias))
    assert numpy.isnan(result[0, 1]).all()
    assert numpy.isfinite(result[0, [0, 2]]).all()
    suite.differs("a bias that hides")
    steps = attend(array[0, :, 0], array[0, :, 0], array[0, :, 0], bias=jax_numpy.asarray(bias[0, 0]))
    assert steps.blind.tolist() == [False, True, False]
    assert not steps.output[1].any()
    suite.require(0, "a bias that hides")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["float32", "bfloat16", "float16", "float8_e4m3fn", "int4", "int32", "bool"])
def test_numbers_of_every_type_of_jax_come_to_numpy_exactly(kind):
    numbers = numpy.array([[1.0, 0.0], [0.0, 1.0]])
    array = library("jax.numpy").asarray(numbers).astype(kind)
    steps = attend(array, array, array)
    assert isinstance(steps.output, numpy.ndarray)
    for ours, expected in zip(steps, attend(*[numbers.astype(steps.output.dtype)] * 3), strict=True):
        numpy.testing.assert_array_equal(ours, expected)


@pytest.mark.slow
@pytest.mark.parametrize("transform", ["jit", "grad", "vmap"])
def test_what_jax_only_traces_is_refused_in_one_line(transform):
    jax = library("jax")
    array = jax.numpy.ones((2, 3, 2))
    with pytest.raises(AttnvizError, match=r"^query \(\w+\) does not become a NumPy array: .*[Tt]race") as error:
        getattr(jax, transform)(lambda rows: attend(rows, rows, rows).output.sum())(array)
    assert "outside of jit, grad and vmap" in error.value.hint


@pytest.mark.slow
def test_keys_of_jaxs_random_numbers_are_refused_in_one_line():
    key = library("jax").random.key(0)
    with pytest.raises(AttnvizError, match=r"^query \(PRNGKeyArray\) does not become a NumPy array"):
        attend(key, key, key)
