"""Which files a name or a pattern means."""

from __future__ import annotations

from pathlib import Path

import pytest

from attnviz.errors import AttnvizError
from attnviz.sources.texts.files import files_of, holds_rows, is_parquet, is_pattern


def test_a_pattern_is_all_that_it_matches_sorted(folder):
    for name in ("b.txt", "a.txt", "sub/c.txt", "a[1].txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / "dir.txt").mkdir()
    assert files_of(["*.txt"]) == [Path("a.txt"), Path("a[1].txt"), Path("b.txt")]
    assert files_of(["**/*.txt"]) == [*map(Path, ("a.txt", "a[1].txt", "b.txt", "sub/c.txt"))]
    assert files_of(["a[1].txt"]) == [Path("a[1].txt")]
    assert files_of(["none.txt"]) == [Path("none.txt")]
    assert [is_pattern(name) for name in ("*.txt", "a[1].txt", "b.txt", "b[1].txt")] == [True, False, False, True]


@pytest.mark.parametrize("names", [("a.txt", "a.txt"), ("*.txt", "./a.txt"), ("b.txt", "link.txt"), ("?.txt", "*.txt")])
def test_a_file_that_is_meant_twice_is_refused(folder, names):
    """Its texts would count twice, and nobody would see it."""
    for name in ("a.txt", "b.txt"):
        (folder / name).touch()
    (folder / "link.txt").symlink_to("b.txt")
    with pytest.raises(AttnvizError, match=r"\.txt is named twice: each text would count twice") as raised:
        files_of(names)
    assert raised.value.hint == "name each file once"


@pytest.mark.usefixtures("folder")
def test_a_pattern_that_matches_nothing_is_an_error():
    with pytest.raises(AttnvizError, match=r"no file matches \*\.txt"):
        files_of(["*.txt"])


@pytest.mark.parametrize(
    ("name", "rows", "parquet"),
    [
        ("a.jsonl", True, False),
        ("a.NDJSON.gz", True, False),
        ("data/*.parquet", True, True),
        ("a.txt.zst", False, False),
        ("a.json", False, False),
    ],
)
def test_the_suffix_says_whether_a_file_holds_rows(name, rows, parquet):
    assert (holds_rows(name), is_parquet(Path(name))) == (rows, parquet)
