"""ONNX's own test cases of its operator Attention (opset 23 to 25), each with its inputs and what must come out."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from foreign_suites import Suite, library
from numpy.testing import assert_array_equal
from tolerances import Arithmetic, bounded, require_near

from attnviz import Steps, attend

MODES = ("scaled", "scaled", "masked", "weights")  # of qk_matmul_output_mode, as attend() calls them
INPUTS = ("Q", "K", "V", "attn_mask", "past_key", "past_value", "nonpad_kv_seqlen")


def node_cases() -> list[tuple[str, Any, list[numpy.ndarray], list[numpy.ndarray]]]:
    """(name, node, inputs, outputs) of each; what ONNX would make of them, models and expansions, is not wanted."""
    module, found = library("onnx.backend.test.case.node.attention"), []

    def expect(node: Any, inputs: Any, outputs: Any, name: str, **_: Any) -> None:
        found.append((name, node, inputs, outputs))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "expect", expect)
        numpy.random.seed(0)  # as ONNX draws them
        exports = [name for name in vars(module.Attention) if name.startswith("export")]
        for name in exports:
            getattr(module.Attention, name)()
    assert len(found) == len(exports)
    return found


def named(names: Any, arrays: list[numpy.ndarray]) -> dict[str, numpy.ndarray]:
    """A node's inputs or outputs by name: one that is left out has none."""
    return dict(zip([name for name in names if name], arrays, strict=True))


def in_heads(array: numpy.ndarray, heads: int | None) -> numpy.ndarray:
    """(batch, tokens, heads · d) → (batch, heads, tokens, d); with four axes it is so already."""
    if array.ndim == 4:
        return array
    batch, tokens, width = array.shape
    return array.reshape(batch, tokens, heads, width // heads).transpose(0, 2, 1, 3)


def options_of(
    attributes: dict[str, Any], given: dict[str, numpy.ndarray], shape: tuple[int, ...], text: int, suite: Suite
):
    """attend()'s options for one text of the batch; ``shape`` is that of its scores, (heads, queries, keys)."""
    _, queries, keys = shape
    seen, bias = numpy.ones(shape, bool), None
    length = given.get("nonpad_kv_seqlen")
    offset = given["past_key"].shape[2] if "past_key" in given else 0
    if length is not None:
        suite.differs("lengths of its own")
        seen &= numpy.arange(keys) < length[text]
        offset = int(length[text]) - queries
    if (mask := given.get("attn_mask")) is not None:
        own = mask[text if len(mask) > 1 else 0] if mask.ndim == 4 else mask
        missing = keys - own.shape[-1]  # keys that a short mask does not name are hidden
        own = numpy.concatenate([own, numpy.zeros((*own.shape[:-1], missing), own.dtype)], axis=-1)
        seen &= numpy.arange(keys) < keys - missing
        if own.dtype == bool:
            seen &= own
        else:
            bias = own.astype(numpy.float64)
    causal = bool(attributes.get("is_causal", 0))
    left, right = attributes.get("left_window_size", -1), attributes.get("right_window_size", -1)
    window = None
    if left >= 0 and (causal or left == right):
        window = left + 1
    elif left >= 0 or right >= 0:
        suite.differs("a window of two lengths")
        distance = numpy.arange(keys) - numpy.arange(queries)[:, None] - offset
        seen &= (distance >= (-left if left >= 0 else -keys)) & (distance <= (right if right >= 0 else keys))
    return {
        "scale": attributes.get("scale"),
        "softcap": attributes.get("softcap"),
        "causal": causal,
        "window": window,
        "query_offset": offset,
        "mask": seen,
        "bias": bias,
    }


def compare(node: Any, inputs: list[numpy.ndarray], outputs: list[numpy.ndarray], suite: Suite) -> None:
    """One case: its output, and what it shows of the product of queries and keys, text by text."""
    helper = library("onnx.helper")
    attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    formal = {name: formal for name, formal in zip(node.input, INPUTS, strict=False) if name}
    given = {formal[name]: array for name, array in named(node.input, inputs).items()}
    wanted = named(node.output, outputs)
    query = in_heads(given["Q"], attributes.get("q_num_heads"))
    key, value = (in_heads(given[name], attributes.get("kv_num_heads")) for name in ("K", "V"))
    if "past_key" in given:
        key, value = (
            numpy.concatenate([given[past], new], axis=2) for past, new in (("past_key", key), ("past_value", value))
        )
        assert_array_equal(key, wanted["present_key"])
        assert_array_equal(value, wanted["present_value"])
    expected = in_heads(wanted["Y"], query.shape[1])
    theirs = Arithmetic.of(query.dtype, scaling=8)  # √scale on both sides
    ours = Arithmetic.of(numpy.float32)
    for text in range(len(query)):
        shape = (query.shape[1], query.shape[2], key.shape[2])
        options = options_of(attributes, given, shape, text, suite)
        arrays = query[text], key[text], value[text]
        steps = attend(*arrays, **options)
        allowed = Steps(
            *(
                a + b
                for a, b in zip(
                    bounded(*arrays, ours, options).errors, bounded(*arrays, theirs, options).errors, strict=True
                )
            )
        )
        require_near(steps.output, expected[text], allowed.output, "output")
        if "qk_matmul_output" in wanted:
            name = MODES[attributes.get("qk_matmul_output_mode", 0)]
            require_near(getattr(steps, name), wanted["qk_matmul_output"][text], getattr(allowed, name), name)
        assert not steps.output[steps.blind].any()


@pytest.mark.slow
def test_every_node_case_of_onnx():
    suite = Suite("onnx")
    for name, node, inputs, outputs in node_cases():
        suite.cases += 1
        try:
            compare(node, inputs, outputs, suite)
        except Exception as error:
            error.add_note(name)
            raise
    suite.require(93, "a window of two lengths", "lengths of its own")
