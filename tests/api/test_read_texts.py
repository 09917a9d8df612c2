"""attnviz.read_texts: a corpus of files for attnviz.stats, as the command line reads it."""

from __future__ import annotations

import gzip
import json

import pytest
from command_line import attnviz as run

import attnviz
from attnviz import AttnvizError

ROWS = [{"text": "the cat sat"}, {"body": "x"}, {"text": ""}, {"text": "a b a", "body": "y z"}]


@pytest.fixture(autouse=True)
def _corpus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, ROWS)).encode()))
    (tmp_path / "b.txt").write_text("one line\nand another\n")


@pytest.mark.parametrize("files", ["a.jsonl.gz", ["a.jsonl.gz", "b.txt"], ["*.gz"]])
def test_statistics_are_what_the_command_makes_of_the_same_files(files):
    ours = attnviz.stats(attnviz.read_texts(files), heads=2)
    words = [word for name in ([files] if isinstance(files, str) else files) for word in ("--file", name)]
    assert ours.to_json() == run("stats", "--lines", *words, "--heads", 2, "--format", "json").text
    [said] = ours.errors.values()
    assert str(said).endswith("it has no field text, but body")


def test_a_field_and_whole_files():
    assert [one.text for one in attnviz.read_texts("a.jsonl.gz", field="body") if hasattr(one, "text")] == ["x", "y z"]
    assert [one.text for one in attnviz.read_texts("b.txt", lines=False)] == ["one line\nand another\n"]


def test_effects_are_measured_of_a_corpus_too():
    ours = attnviz.stats(attnviz.read_texts("a.jsonl.gz"), "tiny", metrics="effect", layer=0, head=0)
    assert (ours.statistics.texts, ours.statistics.skipped) == (2, 1)


@pytest.mark.parametrize("files", [5, [5]])
def test_what_is_no_name_is_told(files):
    with pytest.raises(AttnvizError, match="files is 5: expected a path"):
        list(attnviz.read_texts(files))
