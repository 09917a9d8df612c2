"""What Typer says of a command line, recognized as a sentence with words in its places."""

from __future__ import annotations

import pytest
import typer
from command_line import attnviz

from attnviz.choices import Language
from attnviz.cli.usage_words import usage_message
from attnviz.text.message import Message, told


class _Error:
    def __init__(self, said):
        self.message = said

    def format_message(self):
        return self.message


@pytest.mark.parametrize(
    ("said", "vietnamese"),
    [
        ("No such option: --nope", "Không có tùy chọn này: --nope"),
        (
            "No such option: --nope (Possible options: --model, --top)",
            "Không có tùy chọn này: --nope (Có thể bạn muốn: --model, --top)",
        ),
        ("No such option: --nope Did you mean --top?", "Không có tùy chọn này: --nope Có phải bạn muốn --top?"),
        ("No such command 'a.b'.", "Không có lệnh 'a.b'."),
        ("Option '--top' requires an argument.", "Tùy chọn '--top' cần một giá trị."),
        ("Got unexpected extra argument (b)", "Thừa đối số (b)"),
        ("Got unexpected extra arguments (b c)", "Thừa đối số (b c)"),
        ("Got unexpected extra argument(s) (b\nc)", "Thừa đối số (b\nc)"),
        ("Something that a later Typer says", "Something that a later Typer says"),
    ],
)
def test_a_sentence_of_typer_is_recognized_and_stays_as_it_is_in_english(said, vietnamese):
    message = usage_message(_Error(said))
    assert message == said
    assert told(message, Language.VI) == vietnamese


def test_a_value_that_is_refused_keeps_its_own_words():
    error = typer.BadParameter(Message("{value!r} is not a number", value="x"), param_hint="'--scale'")
    message = usage_message(error)
    assert message == error.format_message() == "Invalid value for '--scale': 'x' is not a number"
    assert told(message, Language.VI) == "Giá trị không hợp lệ cho '--scale': 'x' không phải là số"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["explain", "--nope"],
        ["explain", "--layer"],
        ["explain", "--causal=3"],
        ["explain", "a", "b", "c"],
        ["explain", "--top", "x"],
        ["explain", "--step", "x"],
        ["heatmap", "--vmin", "x"],
        ["learn", "12"],
    ],
)
def test_the_typer_that_is_installed_says_nothing_that_is_not_recognized(arguments):
    english, vietnamese = attnviz(*arguments), attnviz("--lang", "vi", *arguments)
    assert english.code == vietnamese.code == 2
    first, translated = english.stderr.splitlines()[0], vietnamese.stderr.splitlines()[0]
    assert first.split()[1] != translated.split()[1]  # its first word


def test_an_option_that_a_variable_stands_for_is_named_alone(monkeypatch):
    monkeypatch.setenv("ATTNVIZ_LANG", "vi")
    said = attnviz("explain", "--lang", "fr").stderr
    assert said.startswith("attnviz: Giá trị không hợp lệ cho '--lang': 'fr' không phải một trong: en, vi\n")
