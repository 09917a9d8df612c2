"""Maps of weights alone are those of the layer that made them."""

from __future__ import annotations

import numpy
import pytest

from attnviz import AttnvizError, Rule
from attnviz.analysis.maps import framed, head_maps
from attnviz.choices import MapStep, Pool
from attnviz.trace.selection import LayerSelection
from tests.support.weights_alone import RULES, alone, trace_of


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("pool", Pool)
@pytest.mark.parametrize("cells", [6, 100])
@pytest.mark.parametrize("keys", [None, tuple(range(2, 28))])
def test_a_map_is_the_same(rule, pool, cells, keys):
    trace = trace_of(rule)
    parts = [LayerSelection(one.layers[0], (2, 0), keys=keys) for one in (trace, alone(trace))]
    (wanted, shares), (found, others) = (
        head_maps(part, MapStep.WEIGHTS, framed(part, cells, pool), scores=200) for part in parts
    )
    for ours, theirs in zip(found, wanted, strict=True):
        numpy.testing.assert_allclose(ours, theirs, atol=1e-9)
    numpy.testing.assert_allclose(others, shares)


@pytest.mark.parametrize("step", [MapStep.SCORES, MapStep.SCALED, MapStep.MASKED])
def test_a_map_of_another_step_says_what_is_missing(step):
    part = LayerSelection(alone(trace_of(Rule())).layers[0], (0,))
    for cells in (6, 100):
        with pytest.raises(AttnvizError, match=f"^{step.value} cannot be shown"):
            head_maps(part, step, framed(part, cells))
