"""Text is data: no token is ever read as markup, an escape, HTML, a formula of a spreadsheet or mathtext."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from xml.etree import ElementTree

import pytest
from command_line import attnviz, done, in_terminal, problem, program, without_escapes

from attnviz import load

SVG = "{http://www.w3.org/2000/svg}"

# What came, and how a person sees it.
HOSTILE = {
    "[bold]x[/]": "[bold]x[/]",
    "[/]": "[/]",
    ":smile:": ":smile:",
    "\x1b[31m": "\\x1b[31m",
    "\x9b31m": "\\x9b31m",
    "\x07\x08": "\\x07\\x08",
    "$x_1$": "$x_1$",
    "$\\frac{": "$\\frac{",
    "=cmd()": "=cmd()",
    "+1": "+1",
    "-1": "-1",
    "@a": "@a",
    "</script>": "</script>",
    "]]>": "]]>",
    "&lt;": "&lt;",
    "a|b": "a|b",
    "a\\": "a\\",
    "`x`": "`x`",
    "{query}": "{query}",
    "%s": "%s",
    "\u202eabc": "\\u202eabc",
    "\ufeff": "\\ufeff",
    "\ud800": "\\ud800",
    "\ufffe": "\\ufffe",
    "\x00": "\\x00",
    "\u0301": "◌\u0301",
}
# What a terminal would act upon.
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def options(token: str) -> tuple[str, ...]:
    return ("--tokenizer", "whitespace", "--", f"{token} plain")


@pytest.fixture(params=HOSTILE, ids=ascii)
def token(request):
    return request.param


def test_a_table_shows_it_as_text(token):
    result = done("explain", *options(token))
    assert not CONTROL.search(result.text)
    assert f"{HOSTILE[token]} plain" in result.lines[0]
    assert sum(line.startswith(f"{HOSTILE[token]} ") for line in result.lines) >= 5


def test_markdown_shows_it_as_text_in_rows_of_as_many_cells(token):
    result = done("explain", "--format", "markdown", *options(token))
    assert not CONTROL.search(result.text)
    rows = [row for row in result.lines if row.startswith("| ")]
    unescaped = [re.sub(r"\\(.)", r"\1", row) for row in rows]
    assert sum(row.startswith(f"| {HOSTILE[token]} |") for row in unescaped) >= 5
    for table in re.split(r"\n\n", result.text):
        if table.startswith("| "):
            assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in table.splitlines()}) == 1


@pytest.mark.some(8)
def test_csv_holds_it_as_text_that_is_no_formula(token):
    result = done("explain", "--format", "csv", *options(token))
    assert not CONTROL.search(result.text)
    shown = {row[column] for row in csv.DictReader(io.StringIO(result.text)) for column in ("query_token", "key_token")}
    assert shown - {""} in ({HOSTILE[token], "plain"}, {f"'{HOSTILE[token]}", "plain"})
    assert not [cell for cell in shown if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_json_holds_the_token_itself_and_no_raw_escape(token):
    result = done("explain", "--format", "json", *options(token))
    assert b"\x1b" not in result.stdout
    expected = token.encode("utf-8", "backslashreplace").decode()
    assert json.loads(result.stdout)["tokens"] == [expected, "plain"]


@pytest.mark.some(8)
def test_svg_stays_well_formed_with_it_as_text(token):
    result = attnviz("heatmap", "-o", "-", "--format", "svg", "--title", f"{token} title", *options(token))
    assert result.code == 0
    texts = [element.text for element in ElementTree.fromstring(result.stdout).iter(f"{SVG}text")]
    assert texts.count(HOSTILE[token]) == 2
    assert f"{HOSTILE[token]} title" in texts
    assert f"“{HOSTILE[token]} plain”" in texts


def test_the_heat_map_of_a_terminal_shows_it_as_text(token):
    result = done("heatmap", "--format", "term", *options(token))
    assert not CONTROL.search(result.text)
    assert f"“{HOSTILE[token]} plain”" in result.text


@pytest.mark.some(8)
def test_what_is_read_across_layers_shows_it_as_text(token):
    table = done("stats", "--across", "rollout", "--query", 0, *options(token))
    drawn = done("heatmap", "--format", "term", "--across", "rollout", "--query", 0, *options(token))
    for result in (table, drawn):
        assert not CONTROL.search(result.text)
        assert f"query “{HOSTILE[token]}” (0)" in result.text


@pytest.mark.parametrize("form", ["png", "pdf"])
@pytest.mark.parametrize("token", ["$\\frac{", "\ud800", "\U0010ffff"], ids=ascii)
@pytest.mark.some(2)
def test_a_picture_can_be_drawn(token, form):
    assert attnviz("heatmap", "-o", "-", "--format", form, "--dpi", 30, *options(token)).code == 0


def test_an_error_shows_it_as_text(token):
    result = attnviz("explain", "--query", token, "plain")
    message = problem(result, 1)
    assert not CONTROL.search(message)
    assert HOSTILE[token] in message


def test_the_arithmetic_shows_it_as_text(token):
    result = done("explain", "--query", 0, "--key", 1, *options(token))
    assert not CONTROL.search(result.text)
    assert f"`{HOSTILE[token]}` looks at `plain`" in result.text


def test_a_terminal_gets_no_escape_from_a_token():
    result = in_terminal("explain", *options("\x1b[2J\x1b]0;title\x07"))
    assert result.code == 0
    assert not CONTROL.search(without_escapes(result.text))
    assert "\\x1b[2J" in result.text


UNSEEN = "\x9b31m\u202e\u2066\u200b\u200d\ufeff\x7f\u3164\U000e0041"


@pytest.mark.parametrize("form", ["json", "csv", "markdown"])
def test_data_on_a_terminal_hold_nothing_that_it_would_act_upon(form):
    result = in_terminal("explain", "--format", form, *options(f"a{UNSEEN}b"))
    assert result.code == 0
    harmless = "\n" if form == "json" else "\n\u200d"  # joins emoji, and the letters of some scripts
    assert not [character for character in result.text if not character.isprintable() and character not in harmless]
    if form == "json":
        assert json.loads(result.text)["tokens"][0] == f"a{UNSEEN}b"


def test_json_is_escaped_for_a_terminal_alone(folder):
    arguments = ("explain", "--format", "json", *options(f"a{UNSEEN}b"))
    raw = done(*arguments).stdout
    done("explain", "-o", "a.json", *options(f"a{UNSEEN}b"))
    assert raw == (folder / "a.json").read_bytes()
    assert f"a{UNSEEN}b".encode() in raw
    assert json.loads(in_terminal(*arguments).stdout) == json.loads(raw)


def test_the_json_of_stats_is_escaped_for_a_terminal():
    done("explain", "a b", "-o", "t.safetensors")
    trace = load("t.safetensors")
    trace.source["model"] = f"a{UNSEEN}b"
    trace.save("t.safetensors")
    result = in_terminal("stats", "--from", "t.safetensors", "--format", "json")
    assert not [character for character in result.text if not character.isprintable() and character != "\n"]
    assert json.loads(result.text)["source"]["model"] == f"a{UNSEEN}b"


@pytest.mark.parametrize("start", "=+-@＝＋－＠")
def test_a_cell_that_a_spreadsheet_would_compute_is_text(start):
    result = done("explain", "--format", "csv", *options(f"{start}1"))
    assert {row["query_token"] for row in csv.DictReader(io.StringIO(result.text))} - {""} == {f"'{start}1", "plain"}


# How each tokenizer cuts the text into which a byte that is no UTF-8 is turned, a\\udcffb.
NO_UTF8 = {
    "word": ["a", "\\", "udcffb"],
    "char": ["a", "\\", "u", "d", "c", "f", "f", "b"],
    "byte": ["a", "\\", "u", "d", "c", "f", "f", "b"],
    "whitespace": ["a\\udcffb"],
}


@pytest.mark.parametrize("tokenizer", NO_UTF8)
@pytest.mark.parametrize("form", ["table", "csv", "markdown", "json"])
def test_bytes_that_are_no_utf8_are_text(tokenizer, form):
    result = done("explain", "--tokenizer", tokenizer, "--format", form, os.fsdecode(b"a\xffb"))
    tokens = NO_UTF8[tokenizer]
    if form == "json":
        assert json.loads(result.text)["tokens"] == tokens
    elif form == "csv":
        rows = csv.DictReader(io.StringIO(result.text))
        assert list(dict.fromkeys(row["query_token"] for row in rows if row["query_token"])) == list(
            dict.fromkeys(tokens)
        )
    else:
        title = result.lines[0].removeprefix("# ")
        assert (re.sub(r"\\(.)", r"\1", title) if form == "markdown" else title) == " ".join(tokens)


def test_bytes_that_are_no_utf8_arrive_from_the_shell():
    result = program("explain", "--tokenizer", "whitespace", "--format", "json", os.fsdecode(b"a\xffb"))
    assert (result.code, result.stderr) == (0, "")
    assert json.loads(result.text)["tokens"] == NO_UTF8["whitespace"]


@pytest.mark.parametrize("form", ["table", "csv", "markdown", "json", "term", "svg"])
def test_a_word_of_ten_thousand_letters(form):
    command = "heatmap" if form in ("term", "svg") else "explain"
    result = done(command, f"{'w' * 10_000} plain", "--format", form, "-o", "-")
    is_data = form in ("csv", "json")  # which is never shortened
    assert ("w" * 10_000 in result.text) == is_data
    assert ("w" * 200 in result.text) == is_data
    assert ("w…" in result.text) != is_data


def test_tokens_of_a_file_are_shown_as_text_too(folder):
    arrays = {name: [[1.0], [2.0]] for name in ("query", "key", "value")}
    (folder / "arrays.json").write_text(
        json.dumps(arrays | {"tokens": ["\x1b[31m", "=a"], "key_tokens": ["[b]", "-b"]})
    )
    for form in ("table", "csv", "markdown"):
        assert not CONTROL.search(done("explain", "--from", "arrays.json", "--format", form).text)


def test_the_name_of_a_file_is_shown_as_text():
    assert not CONTROL.search(problem(attnviz("explain", "--file", "\x1b[31m\x07.txt"), 1))


@pytest.mark.slow
def test_the_path_that_heatmap_prints_can_be_read_by_the_next_program(folder):
    name = os.fsdecode(b"na\xc3\xafve \xff.svg")
    result = program("heatmap", "a", "-o", name)
    assert (result.code, result.stderr) == (0, "")
    assert os.path.exists(os.fsdecode(result.stdout.removesuffix(b"\n")))
    assert os.listdir(folder) == [name]


@pytest.mark.parametrize("planted", ["\x1b[2J", "\x9b31m", "a\rb", "\u202e", "\x00"])
def test_what_must_not_reach_a_terminal_would_be_found(planted):
    """The pattern that all of these tests look for: what these tokens would be, were they shown as they came."""
    assert CONTROL.search(f"{planted} plain")
    assert not CONTROL.search(HOSTILE.get(planted, ""))
