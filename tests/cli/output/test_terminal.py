"""What a terminal gets: its width, its colours, no binary. What a pipe gets: natural width, no escapes."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

import pytest
from command_line import attnviz, done, in_terminal, problem, program, program_in_terminal, without_escapes
from rich.cells import cell_len
from thinned import in_pairs

from attnviz.cli.output.terminal import Terminal, require_no_terminal, visible_json
from attnviz.errors import UsageError

TEXTS = {
    "english": "Your journey starts with one step and goes on and on, further than anybody would have thought it could",
    "vietnamese": "Không có việc gì khó, chỉ sợ lòng không bền, đào núi và lấp biển, quyết chí ắt làm nên",
    "chinese": "注意力 就是 你 所需要 的 一切 東京 に 行きます 그리고 한국어",
    "emoji": "a👍🏽b 👩‍👩‍👧 🇻🇳 ❤️ ☕ 🧑🏿‍🚀 plain",
    "combining": "e\u0301\u0323 n\u0303 Việt\u0323 \u0301alone नमस्ते สวัสดี שָׁלוֹם",
    "long word": "w" * 500 + " short",
}
COLOUR = re.compile(r"\x1b\[(?:\d+;)*[34]8;|\x1b\[(?:\d+;)*(?:3|4|9|10)[0-7](?:;\d+)*m")


def cells_before(line: str, mark: str) -> int:
    return cell_len(line[: line.index(mark)])


def separators(lines: list[str]) -> list[tuple[int, list[int]]]:
    """For each table the column of its ┼ and those of the │ above and below it, all in cells."""
    tables = []
    for number, line in enumerate(lines):
        if "─┼─" in line:
            rows = [lines[number - 1]]
            for row in lines[number + 1 :]:
                if "│" not in row or "─┼─" in row:
                    break
                rows.append(row)
            tables.append((cells_before(line, "┼"), [cells_before(row, "│") for row in rows]))
    return tables


@pytest.fixture
def texts(folder):
    (folder / "texts.txt").write_text("\n".join(TEXTS.values()) + "\n", encoding="utf-8")
    return "texts.txt"


@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--heads", 2, "--causal", "--position", "alibi"),
        ("--lang", "vi", "--position", "sinusoidal"),
        ("--query", 0, "--key", 1, "--tokenizer", "whitespace"),
    ],
)
@pytest.mark.some(3)
def test_no_line_is_wider_than_the_terminal_and_tables_stand_straight(texts, columns, options):
    result = in_terminal("explain", "--lines", "--file", texts, *options, columns=columns)
    assert (result.code, result.stderr) == (0, "")
    lines = without_escapes(result.text).split("\n")
    assert [line for line in lines if cell_len(line) > columns] == []
    tables = separators(lines)
    assert len(tables) >= len(TEXTS) or "--query" in options
    assert [(place, rows) for place, rows in tables if set(rows) != {place}] == []


@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize("text", TEXTS)
def test_no_line_of_a_heat_map_is_wider_than_the_terminal(text, columns):
    result = in_terminal("heatmap", TEXTS[text], "--heads", 3, "--show", columns=columns)
    assert (result.code, result.stderr) == (0, "")
    assert [line for line in without_escapes(result.text).split("\n") if cell_len(line) > columns] == []


@pytest.mark.parametrize(
    ("size", "count", "environment"), in_pairs([(80, 24), (120, 30), (200, 60)], [300, 3000], [{}, {"NO_COLOR": "1"}])
)
@pytest.mark.some(2)
def test_the_map_of_a_long_text_is_no_higher_than_the_terminal(folder, size, count, environment):
    columns, lines = size
    (folder / "text.txt").write_text(" ".join(f"w{place}" for place in range(count)))
    arguments = ("heatmap", "--file", "text.txt", "--causal", "--show")
    result = in_terminal(*arguments, columns=columns, lines=lines, **environment)
    assert (result.code, result.stderr) == (0, "")
    shown = without_escapes(result.text).splitlines()
    assert len(shown) < lines  # the last is the prompt's
    assert max(map(cell_len, shown)) <= columns
    assert len(done(*arguments).lines) > 60


@pytest.mark.parametrize("text", TEXTS)
def test_tables_stand_straight_in_a_pipe(text):
    tables = separators(done("explain", TEXTS[text], "--max-tokens", 100).lines)
    assert len(tables) >= 5
    assert [(place, rows) for place, rows in tables if set(rows) != {place}] == []


def test_the_exponentials_of_wide_tokens_stand_straight():
    lines = done("explain", "注意力 plain 👍🏽", "--tokenizer", "whitespace", "--query", 0, "--key", 1).lines
    places = {cells_before(line, "  e^") for line in lines if "  e^" in line}
    assert len(places) == 1


def test_a_narrow_terminal_gets_the_columns_in_blocks_and_a_pipe_gets_them_in_one():
    arguments = ("explain", TEXTS["english"], "--step", "weights", "--quiet")
    assert sum("─┼─" in line for line in in_terminal(*arguments, columns=40).lines) > 1
    (rule,) = [line for line in program(*arguments, environment={"COLUMNS": "40"}).lines if "─┼─" in line]
    assert cell_len(rule) > 120


def test_sentences_are_folded_in_a_terminal_alone():
    assert max(map(cell_len, done("explain", "a b").lines)) > 100
    assert max(map(cell_len, without_escapes(in_terminal("explain", "a b").text).split("\n"))) <= 80


# Colours


def test_a_program_shows_in_a_terminal_what_the_command_line_shows_inside_this_process():
    arguments = ("explain", "Your journey starts", "--causal")
    result = program_in_terminal(*arguments, columns=70)
    assert result == in_terminal(*arguments, columns=70)
    assert COLOUR.search(result.text)


@pytest.mark.parametrize("arguments", [("explain", "a b"), ("heatmap", "a b", "--show")])
def test_a_terminal_gets_colours(arguments):
    assert COLOUR.search(in_terminal(*arguments).text)


@pytest.mark.parametrize("arguments", [("explain", "a b"), ("heatmap", "a b", "--show")])
def test_no_color_leaves_no_colour(arguments):
    text = in_terminal(*arguments, NO_COLOR="1").text
    assert not COLOUR.search(text)
    assert "a" in text


@pytest.mark.parametrize("arguments", [("explain", "a b"), ("heatmap", "a b", "--show"), ("explain", "--help")])
@pytest.mark.some(2)
def test_a_dumb_terminal_gets_no_escape(arguments):
    assert b"\x1b" not in program_in_terminal(*arguments, TERM="dumb").stdout


@pytest.mark.parametrize("form", ["json", "csv", "markdown"])
def test_data_has_no_escape_even_in_a_terminal(form):
    assert b"\x1b" not in in_terminal("explain", "a b", "--format", form).stdout


@pytest.mark.parametrize("arguments", [("explain", "a b"), ("heatmap", "a b", "--show")])
def test_a_pipe_gets_no_escape_unless_colour_is_forced(monkeypatch, arguments):
    monkeypatch.setenv("TERM", "xterm-256color")
    assert b"\x1b" not in done(*arguments).stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert b"\x1b" in done(*arguments).stdout


@pytest.mark.parametrize("arguments", [("explain", "a b"), ("--help",)])
@pytest.mark.some(1)
def test_a_program_in_a_pipe_writes_no_escape_unless_colour_is_forced(arguments):
    assert b"\x1b" not in program(*arguments, environment={"TERM": "xterm-256color"}).stdout
    assert b"\x1b" in program(*arguments, environment={"FORCE_COLOR": "1"}).stdout


@pytest.mark.parametrize("form", ["json", "csv", "markdown"])
def test_forced_colour_never_reaches_data(monkeypatch, form):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert b"\x1b" not in done("explain", "a b", "--format", form).stdout


@pytest.mark.parametrize("arguments", [("explain", "a b"), ("heatmap", "a b", "--format", "term")])
def test_forced_colour_never_reaches_a_file(folder, monkeypatch, arguments):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert attnviz(*arguments, "-o", "plain.txt").code == 0
    assert b"\x1b" not in (folder / "plain.txt").read_bytes()


@pytest.mark.parametrize("arguments", [("explain", "Việt 注意"), ("heatmap", "Việt 注意", "--format", "term")])
def test_an_encoding_that_lacks_a_character_gets_a_question_mark(arguments):
    result = program(*arguments, environment={"PYTHONIOENCODING": "latin-1"})
    assert (result.code, result.stderr) == (0, "")
    assert b"?" in result.stdout


# Binary


@pytest.mark.parametrize(
    "arguments",
    [
        ("-o", "-"),
        ("-o", "-", "--format", "png"),
        ("-o", "-", "--format", "pdf"),
        ("-o", "-", "--show"),
        ("-o", "/dev/stdout"),
        ("-o", "/dev/stdout", "--format", "pdf"),
    ],
)
def test_a_binary_picture_is_refused_by_a_terminal(arguments):
    assert re.search("is binary, and .* is a terminal", problem(in_terminal("heatmap", "a b", *arguments), 2))


def test_a_terminal_gets_the_path_of_the_picture(folder):
    result = in_terminal("heatmap", "a b")
    assert (result.code, result.text, result.stderr) == (0, "attention.png\n", "")
    assert (folder / "attention.png").exists()


def test_a_terminal_may_have_svg():
    assert in_terminal("heatmap", "a b", "-o", "-", "--format", "svg").text.rstrip().endswith("</svg>")


def test_a_terminal_is_found_by_its_device(folder):
    ours, its = os.openpty()
    path = Path(os.ttyname(its))
    with pytest.raises(UsageError, match=f"PNG is binary, and {path} is a terminal"):
        require_no_terminal("PNG", path)
    os.close(ours)
    os.close(its)
    (folder / "a.png").touch()
    for other in (None, Path("a.png"), Path("none.png"), Path("/dev/null"), Path("-")):
        require_no_terminal("PNG", other)


def test_standard_output_is_a_terminal_where_it_is_one(monkeypatch):
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Tty())
    with pytest.raises(UsageError, match="PDF is binary, and - is a terminal"):
        require_no_terminal("PDF", Path("-"))
    assert Terminal(None).height is not None
    assert Terminal(Path("a.txt")).height is None
    monkeypatch.setattr(sys, "stdout", None)
    require_no_terminal("PDF", Path("-"))
    assert Terminal(None)("a [b]\n") == b"a [b]\n"


def test_a_device_that_cannot_be_opened_is_no_terminal(monkeypatch):
    def refuse(*_):
        raise OSError(6, "no such device")

    monkeypatch.setattr(os, "open", refuse)
    require_no_terminal("PNG", Path("/dev/null"))


def test_a_character_that_the_encoding_lacks_is_a_question_mark(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert Terminal(None)("a→b\n") == b"a?b\n"
    assert Terminal(Path("a.txt"))("a→b\n") == "a→b\n".encode()


def test_json_is_escaped_for_a_terminal_and_left_alone_for_anything_else():
    arguments = ("explain", "--step", "query", "--tokenizer", "whitespace", "a\x9b ế")
    raw = done(*arguments, "--format", "json").stdout
    assert raw == "".join(piece.decode() for piece in visible_json([raw], Path("a.json"))).encode()
    assert '["a\x9b","ế"]' in raw.decode()
    assert '["a\\u009b","ế"]' in in_terminal(*arguments, "--format", "json").text


@pytest.mark.parametrize("columns", [40, 60])
def test_a_dumb_terminal_has_a_width_too(columns):
    shown = program_in_terminal("learn", 1, columns=columns, TERM="dumb")
    assert shown.code == 0
    lines = [line for line in shown.text.splitlines() if not line.startswith("    ")]
    assert columns - 12 < max(map(cell_len, lines)) <= columns
