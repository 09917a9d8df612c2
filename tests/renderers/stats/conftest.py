"""Statistics to be shown: of one text and of several, whole and in part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from attnviz import Trace, trace_text
from attnviz.analysis.corpus import Statistics
from attnviz.choices import Pool
from attnviz.trace.selection import select

TEXT = "the cat sat on the mat"


@pytest.fixture
def measured() -> Callable[..., Statistics]:
    """measured(trace, …, pool="max", key="1:3") → the statistics of these traces; none is one toy of two heads."""

    def measure(*traces: Trace, pool: str = "mean", near: int = 8, **selection: Any) -> Statistics:
        statistics = Statistics(near, Pool(pool))
        for trace in traces or (trace_text(TEXT, heads=2, causal=True),):
            statistics.add(trace, select(trace, **selection))
        return statistics

    return measure
