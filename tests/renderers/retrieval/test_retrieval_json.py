"""The data of retrieval."""

from __future__ import annotations

import json

from copying import measured

from attnviz.renderers.retrieval.retrieval_json import to_json


def test_it_holds_the_needles_and_the_heads_with_the_largest_score_first():
    found = measured(3)
    data = json.loads(to_json(found))
    assert (data["attnviz"], data["copied"], data["tokens"], data["threshold"]) == (1, 3, found.tokens, 0.1)
    assert data["threshold_here"] == found.limit
    assert data["needles"][0] | {"words": 0} == {
        "cue": "The password of the old library is",
        "answer": "marble lantern",
        "words": 0,
        "depth": 0.0,
        "written": "marble lantern " + " ".join(["nothing"] * 10),
        "copied_tokens": 2,
        "tokens": 2,
        "copied": True,
    }
    first = data["heads"][0]
    assert (first["head"], first["metrics"]["retrieval"]["mean"]) == (0, 1.0)
    assert first["names"] == [{"name": "retrieval", "metric": "retrieval", "value": 1.0, "threshold": found.limit}]
    assert len(data["heads"]) == 3


def test_what_cannot_be_told_is_null():
    data = json.loads(to_json(measured(1, lost=9)))
    assert data["threshold_here"] is None
    assert data["heads"][0]["metrics"]["retrieval"]["mean"] is None
