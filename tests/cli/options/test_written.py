"""Options as a person writes them: every command line that is written means the same again."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnviz.choices import Position
from attnviz.cli.options.explain import TableOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.selection import PartOptions
from attnviz.cli.options.source import SourceOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.options.written import command_line, written


def test_what_is_as_it_is_by_default_is_not_written():
    assert written(SourceOptions(), ToyOptions(), RuleOptions(), PartOptions(), TableOptions()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (SourceOptions(text="a b"), ["a b"]),
        (SourceOptions(file=Path("a b.txt")), ["--file", "a b.txt"]),
        (SourceOptions(from_=Path("t.npz")), ["--from", "t.npz"]),
        (ToyOptions(heads=3, position=Position.ROPE, project=True), ["--heads", "3", "--position", "rope", "--project"]),
        (RuleOptions(causal=True, scale=0.5), ["--causal", "--scale", "0.5"]),
        (RuleOptions(causal=False, no_scale=True, query_offset=2), ["--no-causal", "--no-scale", "--query-offset", "2"]),
        (PartOptions(layer=["0,4-7", "cross 2"]), ["--layer", "0,4-7", "--layer", "cross 2"]),
        (TableOptions(quiet=True, top=3), ["--top", "3", "--quiet"]),
    ],
)  # fmt: skip
def test_each_kind_of_option_is_written_by_its_long_name(options, words):
    assert written(options) == words


def test_the_text_stands_in_front():
    assert written(ToyOptions(heads=2), SourceOptions(text="a b")) == ["a b", "--heads", "2"]


@given(words=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=4))
def test_a_shell_reads_every_word_as_it_was(words):
    assert shlex.split(command_line(words)) == words


@pytest.mark.parametrize(
    ("word", "written_so"),
    [("step", "step"), ("@3", "@3"), ("Your journey", '"Your journey"'), ("it's", '"it\'s"'), ("", "''"),
     ("costs $5", "'costs $5'"), ("say `ls`", "'say `ls`'"), ("wait!", "'wait!'"), ("Không có", '"Không có"')],
)  # fmt: skip
def test_words_stand_in_the_quotes_that_a_person_would_choose(word, written_so):
    assert command_line([word]) == written_so
