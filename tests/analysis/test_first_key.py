"""The first key that any query may look at is found without a score."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Rule
from attnviz.analysis.first_key import first_key

PLACES = numpy.arange(3000)  # of a longer text


@pytest.mark.parametrize(
    ("mask", "first"),
    [
        (PLACES >= 2000, 2000),
        ((PLACES >= 2000) & (PLACES[:, None] >= 0), 2000),
        ((PLACES >= 2000) & (PLACES[:, None] >= 2500), 2000),
        ((PLACES == 7) & (PLACES[:, None] == 7), 7),
        (PLACES[:, None] < PLACES, None),  # and causal: nothing is left
    ],
    ids=["keys", "pairs", "late queries", "one pair", "nothing"],
)
@pytest.mark.some(2)
def test_the_first_key_is_found_by_the_rule_alone(mask, first, monkeypatch):
    array = numpy.ones((2, len(PLACES), 2))
    layer = Layer(array, array, array, Rule(causal=True, mask=mask))
    monkeypatch.setattr(Layer, "steps", lambda *_: pytest.fail("scores were computed"))
    assert first_key(layer, numpy.ones(len(PLACES), dtype=bool)) == first
    bias = Layer(array, array, array, Rule(causal=True, bias=numpy.where(mask, 0.0, -1e9)))
    behind = PLACES[:, None] >= PLACES
    seen = mask & behind
    seen = numpy.where(seen.any(axis=1, keepdims=True), seen, behind)  # a row that is lowered as a whole is not hidden
    assert first_key(bias, numpy.ones(len(PLACES), dtype=bool)) == int(seen.any(axis=0).argmax())


@pytest.mark.parametrize("kind", [numpy.float32, numpy.float64])
def test_the_first_key_is_that_of_the_type_that_attend_computes_with(kind):
    """Beside −10¹⁰, 3,000 is more than float32 tells apart for sure: whatever the type of the bias is."""
    array = numpy.ones((1, 2, 2), dtype=numpy.float32)
    bias = numpy.array([[-1e10 - 3000, -1e10]] * 2).astype(kind)
    layer = Layer(array, array, array, Rule(bias=bias))
    seen = ~layer.steps().hidden.all(axis=(0, 1))
    assert first_key(layer, numpy.ones(2, dtype=bool)) == int(seen.argmax())


def test_only_keys_that_are_kept_count():
    array = numpy.ones((1, 5, 2))
    kept = numpy.array([False, False, True, True, False])
    assert first_key(Layer(array, array, array), kept) == 2
    assert first_key(Layer(array, array, array), numpy.zeros(5, dtype=bool)) is None
