"""Roles as CSV: a row for each."""

from __future__ import annotations

import csv

from made_roles import made_role, made_roles, share

from attnviz.renderers.roles.role_csv import COLUMNS, to_csv
from attnviz.trace.roles import Verdict


def rows(*found):
    return list(csv.DictReader(to_csv(made_roles(*found)).splitlines()))


def test_a_row_holds_each_share_and_its_interval():
    found = made_role(word_before=share(0.75), verdict=Verdict.NOT_NEEDED, missing=("needed", "patched"))
    [row] = rows(found)
    assert tuple(row) == COLUMNS
    assert (row["role"], row["verdict"], row["layer"], row["head"], row["offset"]) == (
        "syntax",
        "not needed",
        "1",
        "0",
        "2",
    )
    assert row["missing"] == "needed patched"
    known = {
        "hits": found.hits,
        "offset_hits": found.offset[1],
        "word_before": found.word_before,
        "accuracy": found.accuracy,
        "ablated_syntax": found.ablated["syntax"],
        "ablated_copying": found.ablated["copying"],
        "others": found.others,
        "patched": found.patched,
    }
    for name, value in known.items():
        assert float(row[name]) == value.value
        assert (float(row[f"{name}_low"]), float(row[f"{name}_high"])) == value.interval


def test_what_cannot_be_measured_is_empty():
    [row] = rows(made_role(verdict=None, accuracy=None, ablated={}, others=None, patched=None))
    empty = {name for name, cell in row.items() if cell == ""}
    assert {"verdict", "accuracy", "accuracy_low", "ablated_syntax", "others_high", "patched", "missing"} <= empty
    assert not {"role", "hits", "offset_hits_high"} & empty
