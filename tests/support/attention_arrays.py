"""Small arrays to attend to, in both libraries."""

from __future__ import annotations

import numpy
import pytest

torch = pytest.importorskip("torch")

KINDS = pytest.mark.parametrize("convert", [numpy.asarray, torch.from_numpy], ids=["numpy", "torch"])


def normal(*shape: int, seed: int = 0) -> numpy.ndarray:
    return numpy.random.default_rng([seed, *shape]).normal(size=shape)


def head(*shape: int) -> numpy.ndarray:
    return numpy.ones(shape)


def tensor(array: numpy.ndarray) -> torch.Tensor:
    """``array`` as torch has it, bfloat16 of ml_dtypes too."""
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.astype(numpy.float32)).bfloat16()
    return torch.from_numpy(array if array.flags.writeable else array.copy())


KINDS_OF_ANY_TYPE = pytest.mark.parametrize("convert", [numpy.asarray, tensor], ids=["numpy", "torch"])
