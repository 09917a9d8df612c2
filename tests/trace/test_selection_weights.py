"""What can be chosen of weights alone."""

from __future__ import annotations

import pytest

from attnviz import AttnvizError, trace_text
from attnviz.choices import Step
from attnviz.trace.selection import select
from tests.support.weights_alone import TEXT, alone


@pytest.fixture(scope="module")
def whole():
    return trace_text(TEXT, heads=2, causal=True)


@pytest.fixture(scope="module")
def weights(whole):
    return alone(whole)


def test_a_step_that_is_not_there_cannot_be_chosen(weights):
    with pytest.raises(AttnvizError, match="there is nothing to show for scores") as raised:
        select(weights, step=[Step.SCORES])
    assert "only the weights of the layer are known" in raised.value.hint
    assert select(weights, step=[Step.SCORES, Step.WEIGHTS]).missing == [Step.SCORES]
