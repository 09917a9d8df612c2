"""attnviz learn: screens that wait on a terminal, all at once in a pipe, and the list of chapters."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from command_line import attnviz, done, in_terminal, problem, without_escapes

from attnviz.api.learn import learn
from attnviz.choices import Language
from attnviz.cli.commands import learn as command
from attnviz.text.course import Commands, chapters

NUMBERS = [chapter.number for chapter in chapters()]


@pytest.fixture(autouse=True)
def state(folder, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    return folder / "state" / "attnviz" / "learn.json"


@pytest.fixture
def keys(monkeypatch):
    """Keys that a person presses; the prompts that ask for them are kept."""
    asked = []

    def use(*answers):
        answers = iter(answers)
        monkeypatch.setattr(command, "has_keyboard", lambda: True)
        monkeypatch.setattr(command, "goes_on", lambda prompt: asked.append(prompt) or next(answers))
        return asked

    return use


def test_in_a_pipe_a_chapter_is_there_at_once_and_counts_as_unread(state):
    text = done("learn", "1").text
    assert text == f"{learn(1)}"
    assert text.endswith("    attnviz learn 2\n")
    assert "\x1b" not in text
    assert not state.exists()


@pytest.mark.parametrize("number", [number for number in NUMBERS if number != 8])  # which has sentences of its own
def test_the_reader_s_sentence_is_computed_with(number):
    ours, theirs = (done("learn", number, "--text", text).text for text in ("the cat sat on the mat", "em yêu anh"))
    assert ours != theirs
    assert '"em yêu anh"' in theirs


def test_without_a_chapter_there_is_the_list():
    lines = done("learn").lines
    assert lines[0] == "Attention in 9 short chapters"
    assert [line.strip() for line in lines[2:11]] == [f"{one.number}  {one.title}" for one in chapters()]
    assert "Go on with: attnviz learn 1" in lines


def test_on_a_terminal_it_waits_between_the_screens_and_ticks_the_chapter(keys, state):
    asked = keys(True, True)
    result = in_terminal("learn", "1", lines=24)
    assert (result.code, result.stderr) == (0, "")
    assert asked == [f"Screen {number} of 3. Any key: next. q: stop." for number in (1, 2)]
    text = without_escapes(result.text)
    assert [line.strip() for line in text.splitlines() if line.strip()] == [
        line.strip() for line in done("learn", "1").lines if line.strip()
    ]
    assert json.loads(state.read_text())["read"] == [1]
    lines = done("learn").lines
    assert "✓  1  The dot product" in lines
    assert "Go on with: attnviz learn 2" in lines


def test_who_stops_has_not_read_the_chapter(keys, state):
    keys(False)
    shown = without_escapes(in_terminal("learn", "1", lines=24).text)
    assert "cos(angle)" in shown
    assert "Your sentence" not in shown
    assert not state.exists()


def test_the_answer_waits_for_a_key_however_high_the_terminal_is(keys):
    asked = keys(True, False)  # after the end of the first screen, which is a part of its own
    assert "Answer" not in without_escapes(in_terminal("learn", "4", lines=500).text)
    assert len(asked) == 2


def test_a_screen_and_the_line_that_waits_are_no_higher_than_the_terminal(keys, monkeypatch):
    keys(*[True] * 20)
    written = []
    monkeypatch.setattr(command, "write", lambda pieces, _: written.extend(pieces))
    for number in (2, 5):  # with screens that are full
        in_terminal("learn", number, lines=24)
    screens = [piece.decode().removeprefix("\n") for piece in written]
    assert max(screen.count("\n") for screen in screens) == 23


@pytest.mark.slow
@pytest.mark.parametrize("lang", Language)
@pytest.mark.parametrize("columns", [80, 60])
def test_a_chapter_is_a_few_screens_that_fit(keys, columns, lang):
    """24 lines, of which one is for the line that waits; a command may be longer than a line, to be copied."""
    for number in NUMBERS:
        asked = keys(*[True] * 20)
        del asked[:]
        result = in_terminal("learn", number, "--lang", lang, columns=columns, lines=24)
        assert result.code == 0
        assert len(asked) + 1 <= (4 if columns == 80 else 7)
        lines = without_escapes(result.text).splitlines()
        assert max(map(len, lines)) <= columns


def test_a_terminal_without_a_keyboard_waits_for_nobody(state):
    assert "Answer" in without_escapes(in_terminal("learn", "1", lines=24).text)
    assert json.loads(state.read_text())["read"] == [1]


def test_the_language_is_an_option_or_of_the_surroundings(monkeypatch):
    vietnamese = done("learn", "1", "--lang", "vi").text
    assert vietnamese.startswith("1 · Tích vô hướng\n")
    monkeypatch.setenv("ATTNVIZ_LANG", "vi")
    assert done("learn", "1").text == vietnamese
    assert done("learn").lines[0] == "Attention trong 9 chương ngắn"


@pytest.mark.parametrize("name", ["course.html", "course.ipynb"])
def test_a_file_holds_all_chapters_or_the_one_that_is_asked_for(folder, name):
    assert done("learn", "-o", name).text == f"{name}\n"
    whole = (folder / name).read_text()
    assert all(f"{chapter.number} · {chapter.title}" in whole for chapter in chapters())
    done("learn", "2", "-o", name)
    assert "1 · The dot product" not in (folder / name).read_text()
    assert "2 · Scaling, and why" in (folder / name).read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["10"], 2, "10 is out of range: it must be at least 1 and at most 9"),
        (["scaling"], 2, "'scaling' is not a whole number"),
        (["--text", "a b"], 2, "--text is for a chapter, and none is given"),
        (["1", "--text", ""], 1, "the text is empty"),
        (["1", "--text", "a " * 65], 1, "the text has 65 words: the course takes up to 64"),
        (["-o", "course.pdf"], 2, "course.pdf: its suffix is not one of .html, .htm, .ipynb"),
    ],
)
def test_what_cannot_be_shown_is_one_line(arguments, code, message):
    assert message in problem(attnviz("learn", *arguments), code)


def lines_to_go_on(language):
    return [
        (chapter.number, line)
        for chapter in chapters(language)
        for part in learn(chapter.number, text="the cat sat on the mat", language=language).parts
        if isinstance(part, Commands)
        for line in part.lines
    ]


@pytest.mark.slow
@pytest.mark.parametrize("language", Language)
def test_every_command_that_a_chapter_names_runs(language, tmp_path):
    from asked_models import word_tokenizer  # whose words are few enough for the questions that roles asks
    from tiny_models import saved

    model_folder = saved("Llama", tmp_path / "model", with_tokenizer=False)
    word_tokenizer().save_pretrained(model_folder)
    for number, line in lines_to_go_on(language):
        shown = line.replace("DIR_OR_ID", shlex.quote(str(model_folder)))
        program, *words = shlex.split(shown)
        result = attnviz(*words)
        assert (program, result.code) == ("attnviz", 0), f"chapter {number}: {line}: {result.stderr}"
        assert result.stdout


@pytest.mark.parametrize(
    "text", ["em yêu anh", "don't", 'say "hi"', "it costs $5", "`a` b", "two  spaces", "-o", "a\\b"]
)
def test_a_command_with_the_reader_s_sentence_says_just_that(text):
    lines = [
        line.strip() for line in done("learn", "2", "--text", text).lines if line.startswith("    attnviz explain")
    ]
    sentence = shlex.split(lines[0])[2]
    assert sentence == (text if text != "-o" else "Your journey starts with one step")


def test_a_sentence_that_no_command_line_shows_well_is_replaced_by_the_sample():
    for text in ("a\nb", "a\x1b[31mb", "word " * 20):
        shown = done("learn", "2", "--text", text).text
        assert re.search('explain "Your journey starts with one step" --step', shown)
        assert "\x1b" not in shown


def test_a_chapter_in_a_file_is_all_of_it(tmp_path):
    printed = done("learn", 2).text
    assert done("learn", 2, "--format", "term", "-o", tmp_path / "two").text == f"{tmp_path / 'two'}\n"
    assert (tmp_path / "two").read_text() == printed
