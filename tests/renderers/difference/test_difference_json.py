"""A difference as JSON: the contract for scripts."""

from __future__ import annotations

import json

import numpy

from attnviz import Layer, Rule, Trace, diff
from attnviz.renderers.difference.difference_json import to_json


def read(found):
    return json.loads(to_json(found))


def test_the_fields(words):
    record = read(words)
    assert record["attnviz"] == 1
    assert record["aligned"] == [[0, 1], [2, 3], [3, 4], [5, 6]]
    assert record["unmatched"] == {"left": [1, 4], "right": [0, 2, 5]}
    assert record["pool"] == "mean"
    assert record["only"] == {"left": [], "right": []}
    assert record["sources"]["left"]["tokens"] == list(words.left.trace.tokens)
    head, one = record["heads"][0], words.heads[0]
    assert head["left"] == head["right"] == [0, one.left.head]
    assert head["names"] == {"left": "layer 0", "right": "layer 0"}
    assert head["divergence"] == one.divergence
    most = one.apart.largest
    assert head["largest"] == {
        "query": most.query,
        "key": most.key,
        "right_query": most.right_query,
        "right_key": most.right_key,
        "left": most.left,
        "right": most.right,
    }
    assert [most.query, most.right_query] in record["aligned"]
    assert head["rest"] == {"left": one.apart.rest[0], "right": one.apart.rest[1]}
    assert head["queries"] == 4
    assert head["furthest"]["divergence"] == one.apart.rows.max()


def test_identical_inputs_are_0_and_null(equal):
    for head in read(equal)["heads"]:
        assert (head["divergence"], head["largest"]) == (0, None)


def test_what_sees_nothing_is_null():
    vectors = numpy.ones((1, 3, 2))
    trace = Trace(("a", "b", "c"), (Layer(vectors, vectors, vectors, Rule(mask=numpy.zeros((3, 3), dtype=bool))),))
    [head] = read(diff(trace, trace))["heads"]
    assert head["divergence"] is head["largest"] is head["furthest"] is None
    assert head["rest"] == {"left": None, "right": None}


def test_other_texts_than_the_traces_have_their_own_partners():
    draw = numpy.random.default_rng(0)
    query, key = draw.standard_normal((1, 2, 4)), draw.standard_normal((1, 3, 4))
    cross = Layer(query, key, key, kind="cross", tokens=("ein", "haus"), key_tokens=("a", "house", "!"))
    trace = Trace(("a", "house", "!"), (cross,))
    record = read(diff(trace, trace))
    assert record["aligned"] == [[0, 0], [1, 1], [2, 2]]
    [text] = record["texts"]
    assert text["queries"] == {"aligned": [[0, 0], [1, 1]], "unmatched": {"left": [], "right": []}}
    assert text["keys"]["aligned"] == record["aligned"]
    assert record["heads"][0]["text"] == 0
