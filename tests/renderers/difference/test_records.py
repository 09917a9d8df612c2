"""A difference as records: flat ones for tables of data, nested ones for JSON."""

from __future__ import annotations

from attnviz import diff
from attnviz.renderers.difference.records import known, nested, records, written


def test_a_record_for_each_pair_of_heads(words):
    for record, head in zip(records(words), words.heads, strict=True):
        most = head.apart.largest
        assert (record["left_layer"], record["left_head"]) == head.left[1:]
        assert (record["right_name"], record["right_head"]) == ("layer 0", head.right.head)
        assert record["divergence"] == head.divergence
        assert record["query_token"] == words.left.trace.tokens[most.query]
        assert (record["left"], record["right"]) == (most.left, most.right)
        assert record["furthest_divergence"] == head.apart.rows.max()
        assert (record["left_rest"], record["right_rest"]) == head.apart.rest
        assert record["queries"] == 4


def test_as_many_as_are_asked_for(words):
    some = diff(words.left.trace, words.right.trace, top=2)
    assert len(records(some)) == len(nested(some)["heads"]) == 2
    assert len(some.heads) == 4


def test_of_equal_weights_nothing_has_a_place(equal):
    for record in records(equal):
        assert record["divergence"] == 0
        assert record["query"] is record["left"] is record["key_token"] is None


def test_what_is_not_known_and_what_would_be_a_formula():
    assert known(float("nan")) is None
    assert [written("left", value) for value in (None, 0.1, 3, "layer 0")] == ["", "0.1", "3", "layer 0"]
    assert [written("key_token", value) for value in ("=1+1", "cat", "a b")] == ["'=1+1", "cat", "a·b"]
