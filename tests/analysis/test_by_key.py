"""The mean weight of each key, against the whole map."""

from __future__ import annotations

import numpy
import pytest
from pictured import pictured_trace

from attnviz.analysis import by_key
from attnviz.analysis.by_key import mean_weights


@pytest.mark.parametrize("queries", [(0,), (2, 3, 6), range(7)])
@pytest.mark.parametrize("cells", [1, 15, 1 << 20])
def test_it_is_the_mean_of_the_rows(queries, cells, monkeypatch):
    monkeypatch.setattr(by_key, "CELLS", cells)
    layer = pictured_trace().layers[0]
    expected = layer.steps(1).weights[list(queries)].mean(axis=0)
    assert numpy.allclose(mean_weights(layer, 1, queries), expected, rtol=1e-12)
