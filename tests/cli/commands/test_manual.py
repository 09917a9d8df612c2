"""attnviz manual: Markdown as it is in a pipe, a page with a pager in a terminal."""

from __future__ import annotations

import os
import pty
import sys

import pytest
from command_line import (
    attnviz,
    done,
    in_terminal,
    problem,
    program,
    shown_to,
    without_escapes,
)
from documents import MANUAL

from attnviz.cli.app import main
from attnviz.text.manual import Topic, listed_topics, topic_text


@pytest.mark.parametrize("topic", Topic)
def test_in_a_pipe_a_topic_is_its_markdown_as_it_is(topic):
    assert done("manual", topic.value).text == (MANUAL / f"{topic.value}.md").read_text(encoding="utf-8")
    assert topic_text(topic) == done("manual", topic.value.upper()).text


def test_without_a_topic_there_is_the_list_of_all_with_a_line_each():
    lines = [line for line in done("manual").lines if line.startswith("- ")]
    assert [line.split("`")[1] for line in lines] == [topic.value for topic in Topic]
    assert "- `exit-codes`: Results, files and exit codes" in lines
    assert done("manual").text == listed_topics()


def test_an_unknown_topic_is_wrong_usage_that_names_the_topics():
    message = problem(attnviz("manual", "nonsense"), 2)
    assert "'nonsense' is not one of text, toy, arrays" in message
    assert all(topic.value in message for topic in Topic)


def test_two_topics_are_wrong_usage():
    assert "extra argument" in problem(attnviz("manual", "toy", "arrays"), 2)


@pytest.mark.parametrize("columns", [80, 40])
def test_in_a_terminal_it_is_a_page_in_colour_that_fits(columns):
    result = in_terminal("manual", "exit-codes", columns=columns)
    text = without_escapes(result.text)
    assert (result.code, result.stderr) == (0, "")
    assert "\x1b[" in result.text
    assert "Exit codes" in text
    assert "## Exit codes" not in text
    assert max(map(len, text.splitlines())) <= columns


def test_in_a_terminal_that_knows_no_colours_it_is_plain():
    result = in_terminal("manual", "csv", TERM="dumb")
    assert "\x1b[" not in result.text
    assert "• dimension is filled" in result.text


def test_a_terminal_without_a_keyboard_gets_no_pager(monkeypatch):
    ours, its = pty.openpty()
    with open(its, "w", encoding="utf-8") as terminal, open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setattr(sys, "stdin", nothing)
        monkeypatch.setenv("LESS", "-S")
        assert main(["manual"]) == 0
        terminal.flush()
        shown = without_escapes(os.read(ours, 65536).decode())
    os.close(ours)
    assert "The manual of attnviz" in shown
    assert "• toy: Toy attention" in shown


@pytest.mark.parametrize(
    ("environment", "pager"),
    [
        ({"PAGER": "cat > paged.txt"}, True),
        ({"MANPAGER": "cat > paged.txt", "PAGER": "true"}, True),
        ({"PAGER": "cat"}, False),
    ],
)
@pytest.mark.some(2)
def test_more_than_a_screen_goes_to_the_pager_of_the_manual(folder, environment, pager):
    code, shown = shown_to("manual", "toy", **environment)
    assert code == 0
    assert (folder / "paged.txt").exists() == pager
    assert "Toy attention: small numbers" in ((folder / "paged.txt").read_text() if pager else shown)
    assert "Toy attention: small numbers" in shown_to("manual", "toy", "--no-pager", PAGER="false")[1]


def test_a_shell_completes_the_topics():
    environment = {"_ATTNVIZ_COMPLETE": "complete_bash", "COMP_WORDS": "attnviz manual t", "COMP_CWORD": "2"}
    assert program(environment=environment).lines == ["text", "toy", "tiny", "tables"]
