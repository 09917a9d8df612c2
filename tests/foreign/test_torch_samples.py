"""The samples that torch tests its own attention with (OpInfo), in every type that it has them in."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest
import torch
from foreign_suites import Suite, library
from tolerances import Arithmetic, bounded, linear, require_near

from attnviz import attend

torch.set_num_threads(1)  # small tensors on shared cores: threads only wait for each other
TYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
EXP = {"exp": 20, "argument": 3}  # torch's vectors: at::vec::exp_u20, and a rescaling for each block of keys


def samples(operator: str, kind: torch.dtype) -> list[Any]:
    found = [one for one in library("torch.testing._internal.common_methods_invocations").op_db if one.name == operator]
    torch.manual_seed(0)
    return list(found[0].sample_inputs("cpu", kind))


def doubles(*tensors: Any) -> tuple[Any, ...]:
    """The same numbers for NumPy, all of them exact; None stays."""
    return tuple(None if one is None else one.detach().double().numpy() for one in tensors)


def arithmetics(kind: torch.dtype) -> tuple[Arithmetic, Arithmetic]:
    """Ours, and torch's: both compute half precision in float32."""
    computed = numpy.float64 if kind == torch.float64 else numpy.float32
    return Arithmetic.of(computed), Arithmetic.of(computed, **EXP)


def rounding(kind: torch.dtype, result: numpy.ndarray, error: numpy.ndarray) -> Any:
    """What the cast of a result to half precision may take from it."""
    if kind not in (torch.bfloat16, torch.float16):
        return 0
    half = Arithmetic.of(kind) if kind == torch.bfloat16 else Arithmetic.of(numpy.float16)
    return half.gamma(1) * (abs(result) + error) + half.tiny


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of torch's about its own samples
def test_scaled_dot_product_attention():
    suite = Suite("torch sdpa", "torch")
    for kind in TYPES:
        for sample in samples("nn.functional.scaled_dot_product_attention", kind):
            suite.cases += 1
            if sample.kwargs["dropout_p"] > 0:
                suite.differs("dropout")
            given = sample.kwargs | {"dropout_p": 0.0}
            result = torch.nn.functional.scaled_dot_product_attention(sample.input, *sample.args, **given)
            query, key, value = (sample.input, *sample.args)
            if query.ndim < key.ndim:  # torch broadcasts what all texts share
                query = query.expand(*key.shape[:-2], *query.shape[-2:])
            options = {"causal": sample.kwargs["is_causal"], "query_offset": 0, "bias": sample.kwargs.get("attn_mask")}
            steps = attend(query, key, value, **options)
            options["bias"] = None if options["bias"] is None else options["bias"].double().numpy()
            both = [bounded(*doubles(query, key, value), one, options) for one in arithmetics(kind)]
            both[0].require(steps)
            allowed = both[0].errors.output + both[1].errors.output
            rounded = rounding(kind, both[1].steps.output, both[1].errors.output)
            apart = abs(steps.output.double() - result.double()).numpy()
            if numpy.any(rounded) and (apart > allowed).any():
                suite.differs("a result in half precision")
                if (apart > allowed + rounded).any():
                    suite.differs("weights in half precision")
                    rounded = rounded + rounding(kind, both[1].steps.weights, both[1].errors.weights) @ abs(
                        doubles(value)[0]
                    )
            require_near(steps.output, result.double(), allowed + rounded, str(kind))
    suite.require(4 * 25, "dropout", "a result in half precision", "weights in half precision")


class Projected:
    """The arguments of multi_head_attention_forward up to where attention begins, texts first: (texts, heads, tokens, d)."""

    def __init__(self, sample: Any, kind: torch.dtype, arithmetic: Arithmetic) -> None:
        (key, value, _, self.heads, packed, biases, *self.more, _, _, self.weight, self.bias) = sample.args
        texts = [one if one.ndim == 3 else one[:, None] for one in (sample.input, key, value)]  # (tokens, texts, width)
        weights = [sample.kwargs[f"{name}_proj_weight"] for name in "qkv"] if packed is None else packed.chunk(3)
        self.arrays, self.off = [], []
        for text, weight, bias, more in zip(texts, weights, biases.chunk(3), (None, *self.more), strict=True):
            if kind in (torch.bfloat16, torch.float16):  # as torch rounds them
                numbers = torch.nn.functional.linear(text, weight, bias).double().numpy()
                error = 0 * numbers
            else:
                numbers, error = linear(*doubles(text, weight.T, bias), arithmetic)
            if more is not None:
                numbers = numpy.concatenate(
                    [numbers, numpy.broadcast_to(more.double().numpy(), (1, *numbers.shape[1:]))]
                )
                error = numpy.concatenate([error, numpy.zeros((1, *error.shape[1:]))])
            self.arrays.append(self.of_heads(numbers))
            self.off.append(self.of_heads(error))

    def of_heads(self, array: numpy.ndarray) -> numpy.ndarray:
        """(tokens, texts, width) → (texts, heads, tokens, d)"""
        tokens, texts, width = array.shape
        return array.reshape(tokens, texts, self.heads, width // self.heads).transpose(1, 2, 0, 3)

    def beside(self, mask: torch.Tensor | None) -> numpy.ndarray | None:
        """The mask that is added, (texts or 1, heads or 1, queries, keys), 0 at the key that was put beside the others."""
        if mask is None:
            return None
        added = mask.double().numpy()
        added = (
            added[None, None] if added.ndim == 2 else added.reshape(len(self.arrays[0]), self.heads, *added.shape[1:])
        )
        return numpy.concatenate([added, numpy.zeros((*added.shape[:-1], 1))], axis=-1)

    def joined(self, array: numpy.ndarray) -> numpy.ndarray:
        """(texts, heads, tokens, d) → (tokens, texts, heads · d)"""
        texts, heads, tokens, width = array.shape
        return array.transpose(2, 0, 1, 3).reshape(tokens, texts, heads * width)


def forward(sample: Any, weights: bool) -> tuple[Any, Any]:
    """What torch computes, its weights (texts, heads, queries, keys) or None."""
    arguments = list(sample.args)
    arguments[9] = 0.0  # dropout
    output, found = torch.nn.functional.multi_head_attention_forward(
        sample.input, *arguments, **sample.kwargs, need_weights=weights, average_attn_weights=False
    )
    output = output if output.ndim == 3 else output[:, None]
    return output.detach(), found if found is None or found.ndim == 4 else found[None]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_multi_head_attention_forward():
    suite = Suite("torch multi_head_attention_forward", "torch")
    for kind in TYPES:
        half = kind in (torch.bfloat16, torch.float16)
        ours, theirs = arithmetics(kind)
        for sample in samples("nn.functional.multi_head_attention_forward", kind):
            suite.cases += 1
            suite.differs("one more key of zeros or of a bias")
            if sample.args[9] > 0:
                suite.differs("dropout")
            given = Projected(sample, kind, theirs)
            options = {"bias": given.beside(sample.kwargs["attn_mask"])}
            computed = numpy.float32 if half or kind == torch.float32 else numpy.float64
            arrays = [array.astype(computed) for array in given.arrays]
            steps = attend(*arrays, **options)
            mine = bounded(*arrays, ours, options)
            mine.require(steps)
            torchs = bounded(*given.arrays, theirs, options, tuple(given.off))
            output, weights = forward(sample, weights=not half)
            cast = [abs(array - own) for array, own in zip(arrays, given.arrays, strict=True)]
            allowed = bounded(*given.arrays, ours, options, tuple(cast)).errors
            if weights is not None:
                require_near(steps.weights, weights.double(), allowed.weights + torchs.errors.weights, "weights")
            off = allowed.output + torchs.errors.output + rounding(kind, torchs.steps.output, torchs.errors.output)
            result, error = linear(
                given.joined(steps.output), *doubles(given.weight.T, given.bias), theirs, given.joined(off)
            )
            require_near(result, output.double(), error + rounding(kind, result, error), "output")
            if half:
                suite.differs("a result in half precision")
    suite.require(4 * 192, "dropout", "a result in half precision", "one more key of zeros or of a bias")


@pytest.mark.slow
@pytest.mark.parametrize("weights", [True, False])
def test_a_query_that_sees_nothing_is_nan_or_nothing_to_torch(weights):
    """A row of −∞: its softmax is NaN where torch shows the weights, and 0 as attend() has it where it does not."""
    suite = Suite("torch blind", "torch")
    layer = torch.nn.MultiheadAttention(4, 2, bias=False, batch_first=True).eval()
    rows = torch.randn(1, 3, 4, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[0, -math.inf, 0], [-math.inf] * 3, [0.0] * 3])
    with torch.no_grad():
        output, _ = layer(rows, rows, rows, attn_mask=mask, need_weights=weights)
    steps = attend(rows, rows, rows, bias=mask)
    assert steps.blind.tolist() == [[False, True, False]]
    assert not steps.output[0, 1].any()
    assert bool(output[0, [0, 2]].isfinite().all())
    if weights:
        assert bool(output[0, 1].isnan().all())
        suite.differs("NaN where a query sees nothing")
    else:
        assert not output[0, 1].any()
    suite.require(0, *(["NaN where a query sees nothing"] if weights else []))
