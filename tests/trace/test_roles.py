"""The record of a head's role: as JSON and back, and how all of them print."""

from __future__ import annotations

import io
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_roles import made_role, made_roles
from rich.console import Console

from attnviz.trace.asking import ROLES
from attnviz.trace.roles import Example, HeadRole, Helper, Share, Verdict, head_role_record, read_head_role
from attnviz.trace.schema import HEAD_ROLE, require_kind

SHARES = st.floats(0, 1).flatmap(
    lambda value: st.builds(Share, st.just(value), st.tuples(st.floats(0, value), st.floats(value, 1)))
)
NUMBERS = st.integers(0, 100)
TEXTS = st.text(max_size=5)
EXAMPLES = st.builds(
    Example, st.lists(TEXTS, max_size=4).map(tuple), NUMBERS, TEXTS, st.lists(st.floats(0, 1), max_size=4).map(tuple)
)
FOUND = st.builds(
    HeadRole,
    role=st.sampled_from(ROLES),
    verdict=st.none() | st.sampled_from(Verdict),
    layer=NUMBERS,
    head=NUMBERS,
    hits=SHARES,
    offset=st.tuples(NUMBERS, SHARES),
    word_before=st.none() | SHARES,
    accuracy=st.none() | SHARES,
    ablated=st.dictionaries(st.sampled_from(ROLES), SHARES),
    others=st.none() | SHARES,
    patched=st.none() | SHARES,
    helpers=st.lists(st.builds(Helper, NUMBERS, NUMBERS, SHARES), max_size=2).map(tuple),
    missing=st.lists(st.sampled_from(["hits", "apart"]), max_size=2).map(tuple),
    example=st.none() | EXAMPLES,
)


@settings(max_examples=30)
@given(FOUND)
def test_what_is_written_is_read_again(found):
    record = json.loads(json.dumps(head_role_record(found)))
    require_kind(record, HEAD_ROLE, "")
    assert read_head_role(record) == found


def test_the_names_are_those_of_the_contract():
    record = head_role_record(made_role())
    shown = {name: record[name] for name in record if "interval" not in name and name not in ("helpers", "missing")}
    assert shown == {
        "role": "syntax",
        "verdict": "proved",
        "layer": 1,
        "head": 0,
        "hits": 0.99,
        "offset": {"offset": 2, "hits": 0.36, "hits_interval": [0.35, 0.37]},
        "accuracy": 0.998,
        "ablated": {"position": 1.0, "syntax": 0.5, "meaning": 1.0, "copying": 1.0},
        "others": 0.97,
        "patched": 0.95,
    }
    assert record["hits_interval"] == [0.98, 1.0]


def test_what_is_not_known_is_left_out():
    record = head_role_record(made_role(verdict=None, accuracy=None, ablated={}, others=None, patched=None))
    assert record.keys().isdisjoint({"verdict", "accuracy", "ablated", "others", "patched", "word_before", "example"})


@pytest.mark.parametrize("name", ["accuracy", "others", "patched"])
def test_a_share_without_its_interval_is_not_known(name):
    record = head_role_record(made_role())
    del record[f"{name}_interval"]
    assert getattr(read_head_role(record), name) is None


def test_of_a_role_that_has_no_interval_nothing_is_known():
    record = head_role_record(made_role())
    del record["ablated_interval"]["meaning"]
    assert set(read_head_role(record).ablated) == {"position", "syntax", "copying"}
    del record["ablated_interval"]
    assert read_head_role(record).ablated == {}


def test_roles_print_as_the_table():
    found = made_roles()
    assert str(found).startswith("made · 1,000 questions of each role · seed 0\n")
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(found)
    assert "Syntax: a verb's subject" in console.export_text()


def test_roles_show_their_verdicts_where_they_are_one_value_of_many():
    found = made_roles(made_role(), made_role("meaning", verdict=None))
    assert repr(found) == (
        "Roles(made, 1,000 questions of each role: syntax proved, meaning without a verdict; print() shows it)"
    )


def test_an_interval_holds_its_share():
    low, high = made_role().hits.interval
    assert low <= made_role().hits.value <= high
    assert not math.isnan(low)
