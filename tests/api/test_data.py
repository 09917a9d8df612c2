"""Numbers from Python: the JSON and the CSV of the command."""

from __future__ import annotations

import csv
import io
import json
from inspect import signature

import pytest
from command_line import attnviz as run

from attnviz import AttnvizError, trace_text
from attnviz.api import explain
from attnviz.api.data import to_csv, to_json

TEXT = "the cat sat"
TRACE = trace_text(TEXT, heads=3)


def test_it_is_what_the_command_writes():
    options = ("--heads", 3, "--head", "0,2", "--step", "weights,output")
    asked = {"head": "0,2", "step": ["weights", "output"]}
    assert TRACE.to_json(**asked) == run("explain", TEXT, *options, "--format", "json").text
    assert TRACE.to_csv(**asked) == run("explain", TEXT, *options, "--format", "csv").text
    narrowed = ("--query", "@1", "--key", ":2", "--step", "weights")
    assert (
        TRACE.to_csv(query=1, key=range(2), step="weights")
        == run("explain", TEXT, "--heads", 3, *narrowed, "--format", "csv").text
    )


def test_what_is_asked_for_is_all_there_is():
    told = json.loads(TRACE.to_json(head=1, step="value"))
    [head] = told["layers"][0]["heads"]
    assert set(head) == {"head", "kv_head", "value"}
    rows = list(csv.DictReader(io.StringIO(TRACE.to_csv(head=1, step="value"))))
    assert [float(row["value"]) for row in rows] == [number for row in head["value"] for number in row]


@pytest.mark.parametrize("call", [TRACE.to_json, TRACE.to_csv])
@pytest.mark.parametrize(
    ("options", "message"),
    [({"step": "wieghts"}, "step is 'wieghts'"), ({"head": 3}, "head 3 does not exist"), ({"layer": 1}, "layer 1")],
)
def test_what_is_not_there_is_told(call, options, message):
    with pytest.raises(AttnvizError, match=message):
        call(**options)


def test_numbers_are_chosen_by_all_that_chooses_what_is_explained():
    of_reading = {"top", "precision", "max_tokens", "quiet", "language"}
    chosen = set(signature(explain).parameters) - of_reading
    assert set(signature(to_csv).parameters) == chosen
    assert set(signature(to_json).parameters) == chosen - {"query", "key"}  # JSON always holds all
