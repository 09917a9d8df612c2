"""With which step a page opens."""

from __future__ import annotations

import json
import re

import pytest
from random_traces import long_trace, projected_trace

from attnviz import api
from attnviz.choices import OUTPUT, MapStep, Step
from attnviz.errors import AttnvizError
from attnviz.renderers.page.opening import Opening, opening


def record(page: str) -> dict:
    return json.loads(re.search(r'id="record">(.*?)</script>', page)[1])


def test_a_page_opens_as_it_likes_with_what_is_asked_for_or_with_contributions_along_a_direction():
    assert opening(None, None) == Opening()
    assert opening(MapStep.SCALED, None) == Opening(MapStep.SCALED, (Step.SCALED,))
    assert opening(None, "cat") == Opening(MapStep.CONTRIBUTION, (Step.CONTRIBUTION,))
    assert opening(MapStep.SCORES, "cat") == Opening(MapStep.SCORES, (Step.CONTRIBUTION,))


def test_the_record_says_it():
    trace = projected_trace()
    assert "step" not in record(api.html(trace))
    assert record(api.html(trace, step="scaled"))["step"] == "scaled"
    along = record(trace.to_html(toward=OUTPUT))
    assert (along["step"], along["layers"][0]["toward"]) == ("contribution", OUTPUT)
    assert record(api.html(trace, step="contribution"))["layers"][0]["toward"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": "contribution"}, "W_O of layer 0 is not known, and a contribution needs it"),
        ({"toward": OUTPUT}, "W_O of layer 0 is not known"),
        ({"toward": "cat"}, "no direction of cat is known here"),
        ({"step": "output"}, "step is .output.: expected one of scores, scaled, masked, weights, contribution, summed"),
        ({"step": "summed"}, "W_O of layer 0 is not known"),
        ({"step": "scores", "words": True}, "--words merges weights: scores cannot be shown of words"),
    ],
)
def test_what_there_is_none_of_is_told_before_anything_is_computed(options, message):
    with pytest.raises(AttnvizError, match=message):
        api.html(long_trace(4), **options)
