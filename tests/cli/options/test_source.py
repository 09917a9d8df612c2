"""Where a text comes from: one file is one text, several are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from attnviz.cli.options.source import SourcesOptions, TextsOptions
from attnviz.errors import UsageError


def test_one_file_is_one_text():
    one = TextsOptions(file=[Path("a.txt")]).one()
    assert (one.text, one.file, one.from_) == (None, Path("a.txt"), None)
    assert SourcesOptions(text="a b").one().text == "a b"
    assert SourcesOptions(from_=Path("a.npz")).one().from_ == Path("a.npz")
    assert SourcesOptions().one().file is None


def test_several_files_are_several_texts():
    with pytest.raises(UsageError, match="several files are several texts, and one is expected"):
        SourcesOptions(file=[Path("a.txt"), Path("b.txt")]).one()
