"""What a trace says of how exactly it holds what a model computed."""

from __future__ import annotations

import json

import pytest

from attnviz.trace.agreement import Agreement, exactness, read_agreement


def test_it_is_read_back_as_it_was_said():
    for queries in (512, None):
        agreement = Agreement(1e-7, 64, {"layer 0": 1e-7}, queries)
        said = agreement.facts()
        assert ("queries" in said) == (queries is not None)
        assert read_agreement(json.loads(json.dumps(said))) == agreement


@pytest.mark.parametrize(
    "said", [None, 3, [], {"errors": 3}, {"largest_error": "x", "queries": "y"}, {"errors": {"a": "b"}}]
)
def test_what_says_nothing_of_use_is_unknown(said):
    assert read_agreement(said) == Agreement()


def test_that_only_some_queries_were_compared_is_said():
    some = Agreement(1e-7, 64, {"layer 0": 1e-7}, 512)
    assert some.sampled == "64 of 512 queries of each head were compared; --verify all compares each"
    assert some._replace(queries=64).sampled == some._replace(queries=None).sampled == Agreement().sampled == ""


def test_how_exactly_is_one_line():
    assert exactness("M", 2e-7) == "M, recomputed to within 2.0e-07 of its own outputs"
    assert exactness("M", 0.0) == "M, recomputed with no difference from its own outputs"
    assert exactness("", 2e-7) == exactness("M", None) == ""
