"""The last line of a result: a command, where one can read the same input again."""

from __future__ import annotations

import os

import pytest
from command_line import done

from attnviz.choices import Language
from attnviz.cli.options.source import SourceOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.going_on import next_line
from attnviz.renderers.explain.next_look import Next, NextLook
from attnviz.text.lessons import lessons

LOOK = NextLook(Next.PAIR, "explain", ["--query", "@1", "--key", "@0"])


def test_it_is_the_command_of_the_input_with_the_options_of_the_look():
    line = next_line(LOOK, lessons(), SourceOptions(text="a b"), [ToyOptions(heads=2)])
    assert line == 'Next, one pair as on paper: attnviz explain "a b" --heads 2 --query @1 --key @0'


def test_it_goes_on_in_the_language_of_the_reader():
    last = done("explain", "a b", "--lang", "vi").lines[-1]
    assert last == lessons(Language.VI).say("next.pair", command='attnviz explain "a b" --lang vi --query b --key b')


@pytest.mark.parametrize("text", ["-", "a\nb", "a\x1b[31mb", "a\u202eb", "-1 2"])
def test_what_cannot_be_read_again_or_not_be_seen_on_a_line_gets_none(text):
    assert next_line(LOOK, lessons(), SourceOptions(text=text), []) is None


def test_a_pipe_gives_its_text_once(tmp_path):
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    file.write_text("a b")
    assert next_line(LOOK, lessons(), SourceOptions(file=pipe), []) is None
    assert next_line(LOOK, lessons(), SourceOptions(from_=tmp_path / "gone"), []) is None
    assert f"--file {file} " in next_line(LOOK, lessons(), SourceOptions(file=file), [])
