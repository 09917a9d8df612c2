"""What can be chosen of weights alone."""

from __future__ import annotations

import pytest

from attnviz import AttnvizError, trace_text
from attnviz.choices import Step
from attnviz.renderers.explain.document import Section
from attnviz.trace.selection import select
from tests.support.weights_alone import alone

TEXT = "one step and one more step"


@pytest.fixture(scope="module")
def whole():
    return trace_text(TEXT, heads=2, causal=True)


@pytest.fixture(scope="module")
def weights(whole):
    return alone(whole)


def cells(sections):
    return [[(matrix.rows, matrix.columns, matrix.cells) for matrix in section.matrices] for section in sections]


def sentences(parts):
    return [sentence for part in parts if isinstance(part, Section) for sentence in part.sentences]


def test_a_step_that_is_not_there_cannot_be_chosen(weights):
    with pytest.raises(AttnvizError, match="there is nothing to show for scores") as raised:
        select(weights, step=[Step.SCORES])
    assert "only the weights of the layer are known" in raised.value.hint
    assert select(weights, step=[Step.SCORES, Step.WEIGHTS]).missing == [Step.SCORES]
