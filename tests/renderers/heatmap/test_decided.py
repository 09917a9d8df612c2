from __future__ import annotations

import pytest

from attnviz import AttnvizError, trace_text
from attnviz.analysis.across.following import Following
from attnviz.choices import Across, Comparison, DrawnStep, HeadsAs
from attnviz.renderers.heatmap.chain import Chain
from attnviz.renderers.heatmap.decided import decided
from attnviz.renderers.heatmap.picture import Picture, View
from attnviz.trace.selection import select

TRACE = trace_text("Your journey starts", heads=2)


@pytest.mark.parametrize("step", DrawnStep)
def test_each_step_has_its_picture(step):
    picture = decided(TRACE, select(TRACE), step)
    assert isinstance(picture, Chain if step is DrawnStep.ALL else Picture)
    assert len(picture.maps) == (5 if step is DrawnStep.ALL else 1)


@pytest.mark.parametrize("compare", [Comparison.CAUSAL, Comparison.SCALE])
def test_each_comparison_has_its_picture(compare):
    assert len(decided(TRACE, select(TRACE), compare=compare).maps) == 3


def test_what_does_not_go_together_is_told():
    with pytest.raises(AttnvizError, match="--compare is of the weights, and --step is scores"):
        decided(TRACE, select(TRACE), DrawnStep.SCORES, Comparison.CAUSAL)
    with pytest.raises(AttnvizError, match="a scale for each step"):
        decided(TRACE, select(TRACE), DrawnStep.ALL, view=View(ends=(0.0, None)))
    with pytest.raises(AttnvizError, match="--compare draws one head, and 2 are chosen"):
        decided(TRACE, select(TRACE), compare=Comparison.CAUSAL, named=True)


def test_what_is_followed_through_layers_is_a_picture_of_one_map():
    trace = trace_text("a b c", heads=2)
    following = Following(Across.ROLLOUT, HeadsAs.MEAN)
    picture = decided(trace, select(trace), DrawnStep.WEIGHTS, None, following=following)
    assert isinstance(picture, Picture)
    assert len(picture.panels) == 1
