"""Records as tables of other libraries, or one line where they are not installed."""

from __future__ import annotations

import sys

import pytest

from attnviz import AttnvizError
from attnviz.renderers.shared import frames

RECORDS = [{"name": "a", "number": 1.5}, {"name": "b", "number": None}]


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_a_table_holds_the_records_or_it_is_told_what_is_missing(monkeypatch, tmp_path, name):
    class Library:
        @staticmethod
        def DataFrame(records, **columns):  # noqa: N802  (the libraries' own name)
            return records, columns

    make = getattr(frames, f"to_{name}")
    monkeypatch.setitem(sys.modules, name, Library)
    records, columns = make(RECORDS, ["name", "number"])
    assert records == RECORDS
    assert ["name", "number"] in columns.values()
    monkeypatch.delitem(sys.modules, name)
    (tmp_path / f"{name}.py").write_text("import something_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="something_that_is_not_there"):
        make(RECORDS, ["name", "number"])
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(sys, "meta_path", [])
    with pytest.raises(AttnvizError, match=f"{name} is not installed"):
        make(RECORDS, ["name", "number"])
