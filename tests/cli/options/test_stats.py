"""What stats measures: words of a person, and the members that they mean."""

from __future__ import annotations

from attnviz.analysis.metrics import Metric
from attnviz.choices import EFFECT, Effect
from attnviz.cli.options.stats import Measured, Sorted, among


def test_every_metric_can_be_measured_and_sorted_by():
    assert [among(Metric, one) for one in Measured] == [*Metric, None]
    assert [one.value for one in Measured][-1] == EFFECT
    assert {among(Metric, one) or among(Effect, one) for one in Sorted} == {*Metric, *Effect}
    assert among(Metric, None) is None
