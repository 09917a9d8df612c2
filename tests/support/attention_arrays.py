"""Small arrays to attend to, in both libraries."""

from __future__ import annotations

import numpy
import pytest

torch = pytest.importorskip("torch")

EXACT = {"rtol": 1e-12, "atol": 1e-12}
KINDS = pytest.mark.parametrize("convert", [numpy.asarray, torch.from_numpy], ids=["numpy", "torch"])


def normal(*shape: int, seed: int = 0) -> numpy.ndarray:
    return numpy.random.default_rng([seed, *shape]).normal(size=shape)


def head(*shape: int) -> numpy.ndarray:
    return numpy.ones(shape)
