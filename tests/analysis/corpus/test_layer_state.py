"""The heads of one layer: text after text, merged, and as arrays."""

from __future__ import annotations

import numpy
import pytest
from made_corpora import text
from numpy.testing import assert_allclose

from attnviz.analysis.corpus.layer_state import LayerState, OfText, columns_of
from attnviz.analysis.head_names import CHANCED
from attnviz.analysis.measure import measure_heads
from attnviz.analysis.metrics import Metric
from attnviz.errors import AttnvizError

METRICS = (Metric.FIRST, Metric.INDUCTION)


def state(*numbers: int, heads=(0, 1)) -> LayerState:
    found = LayerState.without_texts(0, heads, METRICS)
    for number in numbers:
        (found,) = LayerState.plus([found], of_text(number, heads))
    return found


def of_text(number: int, heads=(0, 1)) -> OfText:
    trace = text(number)
    return OfText.of(measure_heads(trace, trace.layers[0], heads=heads, chances=CHANCED), METRICS, heads)


def test_parts_are_merged_to_what_one_pass_knows():
    whole, merged = state(1, 3, 4, 6), state(6, 1).merged(state(3).merged(state(4)))
    for column in (0, 1):
        for metric in METRICS:
            one, other = merged.values(column)[metric], whole.values(column)[metric]
            assert_allclose(
                [one.mean, one.deviation, one.count], [other.mean, other.deviation, other.count], rtol=1e-12
            )
        for metric in CHANCED:
            assert_allclose(merged.chances(column)[metric], whole.chances(column)[metric], rtol=1e-12)


def test_what_a_text_gives_is_what_was_measured():
    trace = text(6)
    measured = measure_heads(trace, trace.layers[0], heads=(0, 1), chances=CHANCED)
    found = OfText.of(measured, METRICS, (1,))
    assert_allclose(found.metrics, [[measured.metrics[metric][1]] for metric in METRICS])
    even, shares = found.chance
    assert_allclose(even, [[measured.chances[metric][1]] for metric in CHANCED])
    assert_allclose(
        shares, [[1 / measured.counts[metric][1] if measured.counts[metric][1] else numpy.nan] for metric in CHANCED]
    )


def test_metrics_that_were_not_measured_have_no_chance():
    trace = text(6)
    found = OfText.of(measure_heads(trace, trace.layers[0]), METRICS, (0, 1))
    assert numpy.isnan(found.chance[0]).all()


def test_layers_that_get_a_text_together_have_what_each_gets_alone():
    first, second = (LayerState.without_texts(number, heads, METRICS) for number, heads in ((0, (0, 1)), (1, (1,))))
    for number in (1, 3, 6):
        parts = of_text(number), of_text(number, (1,))
        both = OfText(*(numpy.concatenate(pair, axis=-1) for pair in zip(*parts, strict=True)))
        first, second = LayerState.plus([first, second], both)
    for found, alone in ((first, state(1, 3, 6)), (second, state(1, 3, 6, heads=(1,)))):
        for name, array in alone.arrays("l").items():
            numpy.testing.assert_array_equal(found.arrays("l")[name], array)
    assert columns_of([first, second]) == [slice(0, 2), slice(2, 3)]


@pytest.mark.parametrize(("other", "name"), [({"number": 1}, "layer"), ({"heads": (1, 0)}, "head")])
def test_another_layer_or_other_heads_are_refused(other, name):
    with pytest.raises(AttnvizError, match=f"they cannot be merged: {name} is"):
        state(1).merged(state(1)._replace(**other))


def test_what_is_written_is_read_again_and_no_other_shape():
    found = state(1, 3)
    arrays = found.arrays("l")
    again = LayerState.of_arrays(arrays, "l", 0, [0, 1], METRICS, 2)
    for name, array in again.arrays("l").items():
        numpy.testing.assert_array_equal(array, arrays[name])
    with pytest.raises(AttnvizError, match=r"l\.metrics\.count is missing, or of another shape"):
        LayerState.of_arrays(arrays, "l", 0, [0], METRICS, 2)
    with pytest.raises(AttnvizError, match=r"l\.metrics holds numbers that cannot be"):
        LayerState.of_arrays(arrays, "l", 0, [0, 1], METRICS, 1)
