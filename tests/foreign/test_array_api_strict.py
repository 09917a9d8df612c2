"""attend() of arrays that know the array API standard and nothing beside it: the same bits as of NumPy's."""

from __future__ import annotations

import array_api_strict
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import attention_cases

from attnviz import Layer, Rule
from attnviz.pooling.pool import pool_arrays

DEVICES = array_api_strict.__array_namespace_info__().devices()
FLOATS = ("float32", "float64")


@pytest.mark.slow
@settings(max_examples=400)
@given(case=attention_cases(), device=st.sampled_from(DEVICES), kind=st.sampled_from(FLOATS))
def test_the_steps_are_those_of_numpys_arrays(case, device, kind):
    if kind == "float64" and "no_" in str(device):
        device = DEVICES[0]  # the others have no float64

    def strict(array):
        array = array.astype(kind) if array.dtype == numpy.float64 else array
        return array_api_strict.asarray(array, device=device)

    def plain(array):
        return array.astype(kind) if array.dtype == numpy.float64 else array

    for ours, expected in zip(case.attend(strict), case.attend(plain), strict=True):
        assert_array_equal(ours, expected)


@pytest.mark.slow
@settings(max_examples=100)
@given(case=attention_cases())
def test_so_are_those_of_a_layer_and_its_pooled_map(case):
    if case.query.ndim != 3:
        return
    strict = array_api_strict.asarray
    options = {name: strict(one) if isinstance(one, numpy.ndarray) else one for name, one in case.options.items()}
    layer = Layer(strict(case.query), strict(case.key), strict(case.value), Rule(**options))
    for ours, expected in zip(layer.steps(), case.attend(), strict=True):
        assert_array_equal(ours, expected)
    pooled = pool_arrays(strict(case.query), strict(case.key), Rule(**options))
    whole = pool_arrays(case.query, case.key, Rule(**case.options))
    assert type(pooled.mean) is numpy.ndarray
    assert_array_equal(pooled.mean, whole.mean)
