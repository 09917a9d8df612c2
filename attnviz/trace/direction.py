"""Along what contributions are measured, instead of how long they are: the logit of a token, or the layer's own output.

A head's output is added to what the model carries from layer to layer, so the logit of a token holds it as it holds the sum
(Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"): along the token's row of the unembedding, through
the final norm as it stands for this text. The norm divides each position by a number of its own; that number is kept as it
was, though every head has its part in it. What later layers make of the head's output is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy

from attnviz.attention.arrays import Array, as_array, as_floating, like
from attnviz.attention.checks import require_finite
from attnviz.choices import OUTPUT
from attnviz.errors import AttnvizError
from attnviz.text.characters import valid_text
from attnviz.text.message import Message


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction among the numbers that a layer puts out, for each of its queries.

    token     whose logit it is, as a person reads it; OUTPUT: the direction of the layer's own output
    vector    (d_out,), the same for all queries, or (queries, d_out)
    divisors  (queries,): what the final norm divides each position by; None: nothing
    """

    token: str
    vector: Array
    divisors: Array | None = None

    def __post_init__(self) -> None:
        divisors = None if self.divisors is None else as_array(self.divisors, "divisors")
        vars(self).update(token=valid_text(self.token), vector=as_array(self.vector, "vector"), divisors=divisors)

    @property
    def is_output(self) -> bool:
        """Whether it is that of the layer's own output."""
        return self.token == OUTPUT

    @property
    def turns(self) -> bool:
        """Whether it is another for each query, apart from what it is divided by."""
        return self.is_output or self.vector.ndim == 2  # that of the output is not computed to know

    def pulled(self, weight: Array | None, beside: Array) -> Array:
        """What a value is multiplied with to be its part along this direction, through ``weight``, (d_v, d_out), beside whose
        numbers it is computed; None: the value itself is put out.  (queries or 1, d_v)"""
        rows = self._rows(beside) * self.shrinking(beside)
        return rows if weight is None else rows @ weight.T

    def undivided(self, weight: Array | None, beside: Array) -> Array:
        """The same without the divisors.  (queries or 1, d_v)"""
        rows = self._rows(beside)
        return rows if weight is None else rows @ weight.T

    def shrinking(self, beside: Array) -> Array:
        """What each query's part along the direction is multiplied with for its divisor.  (queries or 1, 1)"""
        if self.divisors is None:
            return like(beside, numpy.ones((1, 1)))
        return 1 / like(beside, as_floating(self.divisors, "divisors"))[:, None]

    def _rows(self, beside: Array) -> Array:
        """The vectors, (queries or 1, d_out)."""
        vector = like(beside, as_floating(self.vector, "vector"))
        return vector[None] if vector.ndim == 1 else vector


def require_fits(direction: Direction, width: int, queries: int) -> None:
    """Raise AttnvizError where ``direction`` is none of outputs of ``width`` numbers for so many ``queries``."""
    fitting = tuple(direction.vector.shape) in ((width,), (queries, width))
    if not fitting or (direction.divisors is not None and tuple(direction.divisors.shape) != (queries,)):
        raise AttnvizError(
            "the direction has the shape {shape}, expected ({width},) or ({queries}, {width})",
            shape=tuple(direction.vector.shape),
            width=width,
            queries=queries,
        )
    for array in (direction.vector, direction.divisors):
        if array is not None:
            require_finite(as_floating(array, "direction"), Message("the direction"))
