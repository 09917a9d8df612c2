"""A linear map of a layer, and how its arrays are taken as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from attnviz.attention.arrays import Array, as_array, as_floating, like, overflow_unspoken
from attnviz.attention.checks import require_finite
from attnviz.text.message import Message


@dataclass(frozen=True, eq=False)
class Projection:
    """A linear map x W + b, as the paper's W_Q, W_K, W_V and W_O.

    weight  (d_in, d_out): a row vector times this, the transpose of torch.nn.Linear.weight
    bias    (d_out,) or None
    """

    weight: Array
    bias: Array | None = None

    def __post_init__(self) -> None:
        vars(self).update(weight=as_array(self.weight, "weight"), bias=known_numbers(self.bias, "bias"))

    def __call__(self, array: Array) -> Array:
        """(tokens, d_in) → (tokens, d_out)."""
        with overflow_unspoken():
            result = array @ like(array, self.weight)
            result = result if self.bias is None else result + like(array, self.bias)
        require_finite(result, Message("what the projection yields"))
        return result


def known_numbers(value: Any, name: str) -> Array | None:
    """``value`` as an array of numbers, where there is one."""
    return None if value is None else no_truths(as_array(value, name), name)


def no_truths(array: Array, name: str) -> Array:
    """``array``, 0 and 1 in place of False and True, with which nobody can compute."""
    return as_floating(array, name) if str(array.dtype).rpartition(".")[2] == "bool" else array
