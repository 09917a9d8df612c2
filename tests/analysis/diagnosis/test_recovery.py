"""An output tells its weights where there are enough numbers in a value."""

import numpy
from diagnosed import evidence_of
from planted_attention import attention, problem

from attnviz.analysis.diagnosis.recovery import recovered_rows, recovered_weights

NOTHING = dict.fromkeys(("mask", "bias", "sinks", "softcap", "window", "rope", "cache", "scale"), False)


def test_weights_come_back():
    meant = problem(numpy.random.default_rng(1), causal=True, groups=True, **NOTHING)
    meant.key, meant.value, meant.query = meant.key[:, :, :6], meant.value[:, :, :6], meant.query[:, :, :6]
    evidence = evidence_of(meant, attention(meant))
    rows = recovered_rows(evidence, 0, 1)
    numpy.testing.assert_allclose(rows, evidence.judged.found.weights[0, 1], atol=1e-4)


def test_more_keys_than_numbers_hide_them_but_where_few_are_seen():
    meant = problem(numpy.random.default_rng(2), causal=True, groups=True, **NOTHING)
    assert meant.keys > meant.value.shape[-1]
    evidence = evidence_of(meant, attention(meant))
    assert recovered_weights(evidence, (0, 0, meant.queries - 1)) is None
    assert recovered_rows(evidence, 0, 0) is None
    few = recovered_weights(evidence, (0, 0, 2))
    numpy.testing.assert_allclose(few.found, few.meant, atol=1e-4)


def test_values_that_repeat_tell_nothing():
    meant = problem(numpy.random.default_rng(1), causal=True, groups=True, **NOTHING)
    meant.value = meant.value * 0 + 1
    assert recovered_weights(evidence_of(meant, attention(meant)), (0, 0, 3)) is None
