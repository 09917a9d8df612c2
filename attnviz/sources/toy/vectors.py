"""The toy's vectors and matrices: the textbook's, and drawn ones that are the same for ever."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import lru_cache

import numpy

# The three-dimensional vectors of the textbook's worked example.
TEXTBOOK = {"your": (0.4, 0.1, 0.8), "journey": (0.5, 0.8, 0.6), "starts": (0.5, 0.8, 0.6)}


def drawn_matrix(name: str, width: int, seed: int) -> numpy.ndarray:
    """A seeded projection, (width, width), of variance 1/width, so that what it yields has variance 1."""
    numbers = _normals(f"{seed} W {name} {width}", width * width)
    return numpy.round(numpy.reshape(numbers, (width, width)) / math.sqrt(width), 2) + 0.0  # + 0.0: no −0.0


def textbook_vector(token: str, dim: int, seed: int) -> Sequence[float]:
    """The textbook's vector of ``token``, three numbers, or a drawn one where the textbook has none."""
    return TEXTBOOK.get(token) or drawn_vector(token, dim, seed)


@lru_cache(maxsize=16384)
def drawn_vector(token: str, dim: int, seed: int) -> Sequence[float]:
    """Variance 1, rounded to one decimal, so that a person can check the arithmetic by hand."""
    return [round(number, 1) + 0.0 for number in _normals(f"{seed} {token}", dim)]


def _normals(seed: str, count: int) -> list[float]:
    """``count`` standard normal numbers, the same on every machine and in every version of Python.

    Python promises that sequence only for ``random()`` seeded with a string, so the normals are made of it here
    (Box and Muller 1958). NumPy's generators promise less, and take longer to import.
    """
    draw = random.Random(seed).random
    numbers: list[float] = []
    while len(numbers) < count:
        radius, angle = math.sqrt(-2 * math.log(1 - draw())), 2 * math.pi * draw()
        numbers += [radius * math.cos(angle), radius * math.sin(angle)]
    return numbers[:count]
