from __future__ import annotations

import math

import numpy
import pytest
import torch
from attention_arrays import KINDS, normal
from numpy.testing import assert_array_equal

from attnviz.attention.formula import attend

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test
torch.set_num_threads(1)  # small tensors on shared cores: threads only wait for each other
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@KINDS
@pytest.mark.parametrize("lowest", [-1e4, -1e9, float(numpy.finfo(numpy.float32).min), -math.inf])
def test_what_a_bias_lowers_far_enough_is_hidden(convert, lowest):
    arrays = [convert(normal(4, 3)) for _ in range(3)]
    bias = numpy.where(numpy.tril(numpy.ones((4, 4))) == 1, 0.0, lowest)
    steps = attend(*arrays, bias=bias)
    assert_array_equal(steps.hidden, numpy.triu(numpy.ones((4, 4)), 1) == 1)
    assert_array_equal(numpy.asarray(steps.weights)[numpy.asarray(steps.hidden)], 0)
