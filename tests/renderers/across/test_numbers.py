"""JSON and CSV: the same numbers in full, what is out of reach as null and as nothing, and tokens that are no formulas."""

import csv
import io
import json
from dataclasses import replace

import pytest
from followed_traces import layered

from attnviz import AttnvizError
from attnviz.analysis.across.following import Following, shares
from attnviz.choices import Across, HeadsAs
from attnviz.renderers.across import numbers
from attnviz.renderers.across.numbers import map_csv, map_json, shares_csv, shares_json, whole_map
from attnviz.trace.selection import select

TRACE = layered(2, 4, "causal")


def whole(following=Following(), **chosen):  # noqa: B008  (immutable)
    return whole_map(TRACE, select(TRACE, **chosen).as_region(), following)


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def cells(values):
    """Values as JSON has them: null where no way leads."""
    return [[None if value == -float("inf") else value for value in row] for row in values.tolist()]


def test_the_map_as_json_says_how_it_came_about():
    found = whole(Following(Across.ROLLOUT, HeadsAs.MAX, 0.25), head=["1-2"])
    said = json.loads(map_json(TRACE, found))
    assert said["values"] == cells(found.values)
    assert {name: said[name] for name in ("attnviz", "across", "heads_as", "residual", "left_out")} == {
        "attnviz": 1,
        "across": "rollout",
        "heads_as": "max",
        "residual": 0.25,
        "left_out": None,
    }
    assert said["layers"] == [
        {"layer": 1, "name": "layer 1", "heads": [1, 2]},
        {"layer": 0, "name": "layer 0", "heads": [1, 2]},
    ]
    assert (said["tokens"], said["queries"], said["keys"]) == (["w0", "w1", "w2", "w3"], [0, 1, 2, 3], [0, 1, 2, 3])
    assert "down_to" not in said
    assert "flow_error" not in said


def test_of_one_query_the_rows_are_layers():
    found = whole(query="w2", key="1:3")
    said = json.loads(map_json(TRACE, found))
    assert (said["down_to"], said["queries"], said["keys"]) == ([1, 0], [2], [1, 2])
    assert said["values"] == cells(found.values)


def test_a_flow_says_its_error():
    found = whole(Following(Across.FLOW))
    assert json.loads(map_json(TRACE, found))["flow_error"] == found.error > 0


@pytest.mark.parametrize("chosen", [{}, {"query": "w2", "key": "1:4"}])
def test_the_map_as_csv_holds_the_same(chosen):
    found = whole(**chosen)
    said = json.loads(map_json(TRACE, found))
    numbers_said = [row["value"] for row in rows(map_csv(TRACE, found))]
    assert [float(one) if one else None for one in numbers_said] == [one for row in said["values"] for one in row]


def test_each_row_of_the_csv_says_its_place():
    last = rows(map_csv(TRACE, whole(query="w2")))[-1]
    assert last == {"layer": "0", "query": "2", "key": "3", "value": "", "query_token": "w2", "key_token": "w3"}
    second = rows(map_csv(TRACE, whole(query="1:3")))[4]
    assert (second["layer"], second["query"], second["query_token"]) == ("0", "2", "w2")


def test_shares_hold_the_same_as_json_and_as_csv():
    found = shares(TRACE, select(TRACE, query="w2").as_region(), Following())
    said = json.loads(shares_json(TRACE, found))
    assert said["queries"] == [2]
    assert [one["share"] for one in said["shares"]] == cells(found.values[None])[0]
    assert [(one["position"], one["token"]) for one in said["shares"]] == list(enumerate(["w0", "w1", "w2", "w3"]))
    assert [(row["token"], float(row["share"] or 0)) for row in rows(shares_csv(TRACE, found))] == [
        (one["token"], one["share"] or 0) for one in said["shares"]
    ]


def test_a_token_is_no_formula():
    trace = replace(TRACE, tokens=("=1+1", "a", "b", "c"))
    selection = select(trace)
    assert rows(map_csv(trace, whole_map(trace, selection, Following())))[0]["key_token"] == "'=1+1"
    assert rows(shares_csv(trace, shares(trace, selection, Following())))[0]["token"] == "'=1+1"


def test_memory_is_asked_for_before_it_is_taken(monkeypatch):
    monkeypatch.setattr(numbers, "BYTES", 1 << 60)
    with pytest.raises(AttnvizError, match="a map of 4 queries over 4 keys needs"):
        whole()
