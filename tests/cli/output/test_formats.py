"""Which format is meant: --format, else the suffix, else the default. Each suffix is said once."""

from enum import StrEnum
from pathlib import Path

import pytest

from attnviz.cli.output import formats as all_formats
from attnviz.cli.output.formats import (
    HEADS_FILE,
    PAGE_FILE,
    PICTURE_FILE,
    PICTURES,
    SUFFIXES,
    TABLES,
    PictureFormat,
    StatsFormat,
    TableFormat,
    chosen_format,
)
from attnviz.errors import AttnvizError, UsageError

FORMATS = [
    kind
    for kind in vars(all_formats).values()
    if isinstance(kind, type) and issubclass(kind, StrEnum) and kind is not StrEnum
]


@pytest.mark.parametrize("formats", FORMATS)
def test_each_suffix_picks_its_format(formats):
    default = next(iter(formats))
    for form in formats:
        for suffix in SUFFIXES.get(form.value, ()):
            assert chosen_format(Path(f"a{suffix}"), None, default) is form
            assert chosen_format(Path(f"a{suffix.upper()}"), None, default) is form


def test_no_suffix_is_that_of_two_formats():
    suffixes = [suffix for group in SUFFIXES.values() for suffix in group]
    assert len(suffixes) == len(set(suffixes))


def test_each_entry_is_of_a_format_and_only_the_terminal_has_no_file():
    members = {form.value for formats in FORMATS for form in formats}
    assert members - set(SUFFIXES) == {"term"}
    assert set(SUFFIXES) <= members


def test_a_format_that_is_named_comes_before_the_suffix():
    assert chosen_format(Path("a.png"), TableFormat.CSV, TableFormat.TABLE) is TableFormat.CSV


@pytest.mark.parametrize("output", [None, Path("-"), Path("/dev/null")])
def test_without_a_suffix_there_is_the_default(output):
    assert chosen_format(output, None, PictureFormat.SVG) is PictureFormat.SVG


@pytest.mark.parametrize("name", ["a.docx", "a", "a.png"])
def test_another_suffix_is_wrong_usage_and_the_known_ones_are_named(name):
    with pytest.raises(
        UsageError, match=r"its suffix is not one of \.txt, \.json, \.jsonl, \.csv, \.md, \.tex, \.html, \.htm, \.safet"
    ) as raised:
        chosen_format(Path(name), None, TableFormat.TABLE)
    assert raised.value.hint == "rename it, or add --format"


@pytest.mark.parametrize("name", [".", "/tmp", "folder.csv"])
def test_a_folder_is_no_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(AttnvizError, match="is a directory, not a file"):
        chosen_format(Path(name), None, StatsFormat.PNG)


def test_a_new_format_needs_no_more_than_its_entry(monkeypatch):
    class Tables(StrEnum):
        TABLE = "table"
        ORG = "org"

    monkeypatch.setitem(SUFFIXES, "org", (".org",))
    assert chosen_format(Path("a.org"), None, Tables.TABLE) is Tables.ORG


def test_stats_writes_tables_of_all_metrics_or_pictures_of_one():
    assert {*TABLES, *PICTURES, StatsFormat.STATS} == set(StatsFormat)
    assert not {*TABLES} & {*PICTURES}


def test_the_default_files_have_suffixes_of_their_formats():
    assert PICTURE_FILE.suffix in SUFFIXES["png"]
    assert HEADS_FILE.suffix in SUFFIXES["png"]
    assert PAGE_FILE.suffix in SUFFIXES["html"]
