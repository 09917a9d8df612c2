"""The help in Vietnamese: every word of it, and the same options as in English."""

from __future__ import annotations

import re

import pytest
from command_line import done, program_in_terminal, without_escapes
from rich.cells import cell_len

from attnviz.choices import Language
from attnviz.cli.app import COMMANDS
from attnviz.cli.help_words import help_in, paragraphs_in, usage_in

HELPS = [("--help",), *((command, "--help") for command in COMMANDS)]
ENGLISH = re.compile(r"\b(the|of|with|which|and|this|that|Show|Write|default|is)\b")


@pytest.mark.parametrize("arguments", HELPS)
@pytest.mark.some(4)
def test_it_has_the_options_and_the_example_of_the_english_one_and_none_of_its_words(monkeypatch, arguments):
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    english, vietnamese = (done(*arguments, "--lang", language).text for language in ("en", "vi"))
    for pattern in (r"^│ (--[\w-]+)", r": (attnviz .*?)\s*$"):
        assert re.findall(pattern, vietnamese, re.MULTILINE) == re.findall(pattern, english, re.MULTILINE) != []
    assert "Cách dùng: attnviz" in vietnamese
    assert "--lang" in vietnamese
    words = re.sub(r"Ví dụ: attnviz .*|softcap · tanh.*", "", vietnamese)
    assert ENGLISH.findall(words) == []
    assert ENGLISH.findall(english)  # the words that are looked for are those of a help


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize("arguments", HELPS)
def test_it_fits_the_terminal(arguments, columns):
    result = program_in_terminal(*arguments, columns=columns, ATTNVIZ_LANG="vi")
    assert result.code == 0
    assert max(map(cell_len, without_escapes(result.text).split("\n"))) <= columns


def test_words_of_typer_come_back():
    from typer import rich_utils

    before = dict(vars(rich_utils))
    with help_in(Language.VI, _Command(), None):
        assert rich_utils.OPTIONS_PANEL_TITLE == "Tùy chọn"
    assert vars(rich_utils) == before
    with pytest.raises(KeyError), help_in(Language.VI, _Command(), None):
        raise KeyError
    assert vars(rich_utils) == before


class _Command:
    """A command without options."""

    help = epilog = ""
    callback = staticmethod(lambda: None)

    def get_params(self, _):
        return []


def test_a_help_is_translated_paragraph_by_paragraph():
    text = 'Draw the heads of a layer\nas heat maps.\n\nExample: attnviz heatmap "the file"'
    assert paragraphs_in(Language.VI, text) == (
        'Vẽ các đầu của một lớp thành biểu đồ nhiệt.\n\nVí dụ: attnviz heatmap "the file"'
    )
    assert usage_in(Language.VI, "Usage: attnviz: x") == "Cách dùng: attnviz: x"
    assert usage_in(Language.EN, "Usage: attnviz") == "Usage: attnviz"
