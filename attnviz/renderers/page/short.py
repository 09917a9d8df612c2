"""Numbers in 16 bits: whole steps between the smallest and the largest of each dimension of a head.

Half precision takes as much room and is ten times coarser where it matters: a score is a sum over dimensions, and there the
largest numbers err the most.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy

from attnviz.renderers.page.forms import LARGEST

STEPS = 65535  # between the two ends


class Short(NamedTuple):
    """An array in 16 bits.

    levels     (heads, tokens, d) of uint16
    low, step  (heads, 1, d) of float32: a number is low + level × step
    """

    levels: numpy.ndarray
    low: numpy.ndarray
    step: numpy.ndarray

    @property
    def numbers(self) -> numpy.ndarray:
        """The numbers as the page's script reads them, in single precision.  (heads, tokens, d)"""
        numbers: numpy.ndarray = self.low.astype(float) + self.levels * self.step.astype(float)
        return numbers.astype(numpy.float32)

    def named(self, name: str) -> dict[str, numpy.ndarray]:
        """The arrays as a page holds them under ``name``; the ends together, (2, heads, d)."""
        return {name: self.levels, f"{name}Ends": numpy.stack([self.low[:, 0], self.step[:, 0]])}


def shortened(array: numpy.ndarray) -> Short:
    """``array``, (heads, tokens, d), in 16 bits a number; none is off by more than half a step and a rounding of the ends."""
    lowest, highest = (end(array, axis=1, keepdims=True).astype(float) for end in (numpy.min, numpy.max))
    low = lowest.astype(numpy.float32)
    step = ((highest - low) / STEPS).astype(numpy.float32)
    in_one = 1 / numpy.where(step > 0, step, 1).astype(
        float
    )  # steps in 1, beyond single precision where a step is tiny
    kind = numpy.result_type(array.dtype, numpy.float32 if in_one.max() <= LARGEST else numpy.float64)
    steps = array - low.astype(kind)
    steps *= in_one.astype(kind)
    numpy.rint(steps, out=steps)
    return Short(numpy.clip(steps, 0, STEPS, out=steps).astype(numpy.uint16), low, step)
