"""A difference as CSV."""

from __future__ import annotations

import csv
import io

from attnviz import Trace, diff
from attnviz.renderers.difference.difference_csv import to_csv
from attnviz.renderers.difference.records import records


def rows(found):
    return list(csv.DictReader(io.StringIO(to_csv(found))))


def test_a_row_for_each_pair_of_heads(words):
    for row, record in zip(rows(words), records(words), strict=True):
        assert list(row) == list(record)
        assert float(row["divergence"]) == record["divergence"]
        assert (row["left_name"], row["query_token"]) == ("layer 0", record["query_token"])


def test_what_is_not_known_is_empty(equal):
    assert all((row["query"], row["left"], row["divergence"]) == ("", "", "0.0") for row in rows(equal))


def test_a_token_is_no_formula(rules):
    tokens = ("=cmd()", "+1", "@x", "-y", "a,b", 'c"d')
    traces = [Trace(tokens, one.trace.layers) for one in (rules.left, rules.right)]
    for row in rows(diff(*traces)):
        assert row["query_token"][0] in "'ac"
        assert row["key_token"][0] in "'ac"
