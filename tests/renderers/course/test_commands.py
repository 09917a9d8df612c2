"""What stands in commands and programs: the sentence, its first words, and where the words stand that are spoken of."""

from __future__ import annotations

import shlex

import pytest
from command_line import done

from attnviz import learn
from attnviz.choices import Language
from attnviz.text.course import Commands, Program, chapters


@pytest.mark.parametrize(
    ("text", "shell", "python"),
    [
        ("a b", '"a b"', '"a b"'),
        ("đi 'x'", "\"đi 'x'\"", "\"đi 'x'\""),
        ('say "hi" $x', "'say \"hi\" $x'", '"say \\"hi\\" $x"'),
        ("a\nb", '"Your journey starts with one step"', '"Your journey starts with one step"'),
    ],
)
def test_the_sentence_stands_in_commands_and_programs(lesson, text, shell, python):
    made = lesson("# A\n\n```sh\nattnviz explain {text}\n```\n\n```python\nprint({text})\n```\n", text)
    assert list(made.parts) == [Commands((f"attnviz explain {shell}",)), Program(f"print({python})")]


@pytest.mark.parametrize(
    ("text", "line", "filled"),
    [
        ("a b c d", "--query {query} --key {key}", "--query @2 --key @1"),
        ("a b", "--query {query} --key {key}", "--query @1 --key @0"),
        ("hello", "--query {query} --key {key}", "--query @0 --key @0"),
        ("a\nb", "--query {query} --key {key} {text}", '--query @2 --key @1 "Your journey starts with one step"'),
        ("the cat sat on", "generate {beginning}", 'generate "the cat sat"'),
        ("hello", "generate {beginning}", 'generate "hello"'),
        ("go on", "learn 2{own}", 'learn 2 --text "go on"'),
        ("Your journey starts with one step", "learn 2{own}", "learn 2"),
        ("a\nb", "learn 2{own}", "learn 2"),
        ("$a {query}", "explain {text} --query {query}", "explain '$a {query}' --query @2"),
    ],
)
def test_the_words_spoken_of_stand_in_a_command(lesson, text, line, filled):
    assert list(lesson(f"# A\n\n```sh\n{line}\n```\n", text).parts) == [Commands((filled,))]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("chapter", [1, 3, 4])
def test_the_pair_of_a_chapter_is_of_the_word_it_asks_about_and_its_command_runs(chapter, language, lang_text):
    command = _command(learn(chapter, text=lang_text, language=language), "--query")
    shown = done(*command[1:]).text
    asked = learn(chapter, text=lang_text, language=language)["question"]
    word = lang_text.split()[min(2, len(lang_text.split()) - 1)]
    assert f"`{word}`" in shown
    assert chapter == 3 or f"`{word}`" in str(asked)


@pytest.fixture(params=["hello", "a b", "the cat sat on the mat"])
def lang_text(request):
    return request.param


def test_the_sixth_chapter_goes_on_with_the_words_that_it_went_on_from():
    lesson = learn(6, text="the cat sat on the mat")
    assert _command(lesson, "tiny")[:3] == ["attnviz", "generate", "the cat sat"]
    assert "the cat sat" in lesson["written"].pieces[0].cells[0][0]
    [program] = (part.text for part in lesson.parts if isinstance(part, Program))
    assert 'generate("tiny", "the cat sat", tokens=4)' in program


@pytest.mark.parametrize("chapter", chapters(), ids=lambda one: str(one.number))
def test_nothing_in_braces_is_left(chapter):
    for part in learn(chapter.number, text="hello").parts:
        if isinstance(part, Commands | Program):
            assert "{" not in str(part)


def _command(lesson, words):
    """The first command that says ``words``, as a shell takes it apart."""
    lines = (line for part in lesson.parts if isinstance(part, Commands) for line in part.lines)
    return shlex.split(next(line for line in lines if words in line))


@pytest.mark.slow
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("text", ["birds fly", None])
def test_every_chapter_leads_to_the_next_with_the_same_sentence(language, text):
    given = {} if text is None else {"text": text}
    spoken = ["--lang", "vi"] if language is Language.VI else []
    for chapter in range(1, 9):
        command = _command(learn(chapter, language=language, **given), "learn")
        assert command == ["attnviz", "learn", str(chapter + 1), *(["--text", text] if text else []), *spoken]
