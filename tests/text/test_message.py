"""Errors, notices and help in every language: each sentence of the code is in the catalogue, and none that nobody says."""

from __future__ import annotations

import pickle
import re
import unicodedata
from functools import cache

import pytest
from own_words import put_together, sentences, words_for_people
from package_sources import module_sources

from attnviz.choices import Language
from attnviz.cli.help_words import OF_TYPER
from attnviz.errors import AttnvizError
from attnviz.text.message import (
    AND,
    COMMA,
    OR,
    PLACE,
    Message,
    catalogue,
    joined,
    meaning,
    of_option,
    said_by,
    told,
)

OTHERS = [language for language in Language if language is not Language.EN]  # English stands in the code


@cache
def words():
    """All words for people in the code; looked for once, and by the process that tests them alone."""
    return list(words_for_people(module_sources()))


# Sentences of the catalogue that are nowhere in the code, and who says them.
SAID_ELSEWHERE = {
    "Typer, in its help": {
        "Usage",
        "Arguments",
        "Options",
        "Commands",
        "[default: {}]",
        "[env var: {}]",
        "[required]",
        "Show this message and exit.",
        "Install completion for the current shell.",
        "Show completion for the current shell, to copy it or customize the installation.",
    },
    "the system, of a file": {
        "no such file or directory",
        "not a directory",
        "is a directory",
        "file name too long",
        "no space left on device",
        "read-only file system",
        "input/output error",
        "too many levels of symbolic links",
        "file too large",
        "disk quota exceeded",
    },
    "choices.Pool": {"mean", "max"},
    "the panels of the help, a word alone": {"Output"},
}
ELSEWHERE = set().union(*SAID_ELSEWHERE.values())


def places(sentence: str) -> list[str]:
    return sorted({place["name"] for place in PLACE.finditer(sentence)})


def missing(said, known):
    """The sentences that are ``said`` in the code and that a catalogue lacks, each with its place."""
    return [f"{place}: {english}" for english, place in said.items() if english not in known]


def unsaid(said, known):
    """The sentences of a catalogue that are not ``said``, in the code or elsewhere."""
    return sorted(set(known) - set(said) - ELSEWHERE)


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_of_the_code_is_in_the_catalogue(language):
    assert missing(sentences(words()), catalogue(language)) == []
    assert len(sentences(words())) > 700


@pytest.mark.parametrize("language", OTHERS)
def test_the_catalogue_holds_nothing_that_nobody_says(language):
    assert unsaid(sentences(words()), catalogue(language)) == []


def test_no_text_for_people_is_put_together_where_no_catalogue_could_have_it():
    assert put_together(words()) == []


PLANTED = "attnviz.trace.planted"


def of(sources):
    """The words of planted modules."""
    return list(words_for_people(sources))


@pytest.mark.parametrize(
    "line",
    [
        'raise AttnvizError("a planted fault")',
        'raise AttnvizError("planted")',
        'raise AttnvizError("{path} is planted", path=path)',
        'raise AttnvizError("the text is empty", "plant another")',
        'raise UsageError("planted here" if one else "the text is empty")',
        'notice("something was planted")',
        'notice(Message("{count} planted", count=3))',
        'title = "Planted weights"',
        'rows = ["of the planted"]',
        'lang = typer.Option(help="Planted.")',
        'with progress("planting") as line: pass',
        'PANEL = "What is planted"',
    ],
)
def test_a_planted_sentence_is_missed(line):
    assert len(missing(sentences(of({PLANTED: line})), catalogue(Language.VI))) == 1


def test_a_planted_docstring_of_a_command_is_missed():
    command = 'def planted(shown):\n    """Plant a fault.\n\n    Example: attnviz planted\n    """'
    assert (
        len(missing(sentences(of({"attnviz.cli.commands.planted": command})), catalogue(Language.VI))) == 1
    )  # but not its example
    assert (
        missing(sentences(of({PLANTED: command})), catalogue(Language.VI)) == []
    )  # a function's docstring is for programmers


@pytest.mark.parametrize(
    "line",
    [
        'raise AttnvizError(f"{name} is planted")',
        'raise AttnvizError(f"planted: {name}")',
        'notice(f"planted {name}")',
        'title = f"the planted {name}"',
        'hint = f"{count} words"',
    ],
)
def test_a_planted_text_that_is_put_together_is_found(line):
    assert len(put_together(of({PLANTED: line}))) == 1


@pytest.mark.parametrize(
    "line",
    [
        'def f():\n    """A planted sentence of three words."""',
        'style = "bold"',
        'name = f"{path}: {name}"',
        'raise KeyError("planted")',
        'raise AttnvizError("the text is empty")',
        'def __repr__(self):\n    return f"Planted({self.count} words)"',
        'raise AttnvizError("{path}: {reason}", path=path, reason=reason)',
    ],
)
def test_what_no_person_reads_is_left_alone(line):
    assert missing(sentences(of({PLANTED: line})), catalogue(Language.VI)) + put_together(of({PLANTED: line})) == []


def test_a_planted_sentence_that_nobody_says_is_found():
    assert unsaid(sentences(words()), {**catalogue(Language.VI), "planted": "gieo"}) == ["planted"]


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_whole(language):
    for english in catalogue(language):
        _require_whole(language, english)


def _require_whole(language, english):
    """The same places in both, no space too many, and each can be said with values in it."""
    sentence = catalogue(language)[english]
    assert places(sentence) == places(english)
    assert sentence == unicodedata.normalize("NFC", sentence)
    assert sentence.strip()
    assert "  " not in sentence
    assert sentence.isprintable()
    assert english.endswith(".") == sentence.endswith(".")
    assert [sentence.count(mark) for mark in "(["] == [sentence.count(mark) for mark in ")]"]
    values = {place["name"]: "7" if re.search(r":\.\d+$", place["how"]) else 7 for place in PLACE.finditer(english)}
    message = Message(english, **values)
    said = told(message, language)
    assert said.count("7") >= len(values)
    assert not PLACE.search(said)
    assert told(message, Language.EN) == message == (english.format(**values) if values else english)


def test_typer_still_has_the_words_that_are_translated():
    from typer import rich_utils

    words = {getattr(rich_utils, name) for name in OF_TYPER}
    assert words <= SAID_ELSEWHERE["Typer, in its help"]


def test_a_message_remembers_its_values_wherever_it_goes():
    import pickle

    inner = Message("the {name} weights", name="query")
    outer = Message("{path}: {what} holds a value that is not finite", path="a.npz", what=inner)
    for message in (outer, pickle.loads(pickle.dumps(outer))):
        assert message == "a.npz: the query weights holds a value that is not finite"
        assert told(message, Language.VI) == "a.npz: ma trận query chứa một giá trị không hữu hạn"
    many = Message("there are {count:,} queries, at the positions 0 to {last:,}", count=5000, last=4999)
    assert told(many, Language.VI) == "có 5,000 Query, ở các vị trí 0 đến 4,999"


def test_text_of_a_person_is_data():
    """A value is never a template, and no value that merely looks like one of our sentences is translated."""
    hostile = "{path} {0} the text is empty"
    message = Message("{name} is empty", name=hostile)
    assert message == f"{hostile} is empty"
    assert told(message, Language.VI) == f"{hostile} trống"
    assert told(Message("{name} is empty", name="the text is empty"), Language.VI) == "the text is empty trống"
    assert told(hostile, Language.VI) == hostile


@pytest.mark.parametrize(
    ("template", "values", "said"),
    [
        ("interrupted after {texts:,} texts", {"texts": 1}, "interrupted after 1 text"),
        ("interrupted after {texts:,} texts", {"texts": 1001}, "interrupted after 1,001 texts"),
        ("{blank:,} blank lines skipped", {"blank": 1}, "1 blank line skipped"),
        ("{keys} keys and {queries} queries", {"keys": 1, "queries": 1}, "1 key and 1 query"),
        ("{keys} keys and {queries} queries", {"keys": 2, "queries": 1}, "2 keys and 1 query"),
        ("{texts:,} of {total:,} texts", {"texts": 1, "total": 1}, "1 of 1 texts"),
        ("{down:,} × {across:,} tokens", {"down": 3, "across": 1}, "3 × 1 tokens"),
        ("{keys:,} keys are too many", {"keys": 1}, "1 keys are too many"),  # the verb would have to change as well
        ("{tokensand} tokensand", {"tokensand": 1}, "1 tokensand"),
        ("{name} is empty", {"name": "1 texts"}, "1 texts is empty"),  # what a person wrote
    ],
)
def test_one_of_what_is_counted_is_one(template, values, said):
    message = Message(template, **values)
    assert message == said == told(message, Language.EN) == pickle.loads(pickle.dumps(message))


def test_one_is_counted_in_another_language_as_that_language_does():
    assert told(Message("interrupted after {texts:,} texts", texts=1), Language.VI) == "bị ngắt sau 1 văn bản"


def test_words_are_joined_in_the_language_of_the_whole():
    assert joined(["a"], AND) == "a"
    assert joined([3, 1], OR) == "3 or 1"
    three = joined(["a", Message("a list"), 7], AND)
    assert three == "a and a list and 7"
    assert told(three, Language.VI) == "a và một danh sách và 7"
    assert told(joined(["x", "y"], COMMA), Language.VI) == "x, y"


def test_what_is_said_of_an_argument_is_said_of_the_option():
    message = Message("{name} is {number}: it must be at most 2⁵³", name="query_offset", number=2**60)
    option = of_option(message)
    assert option == "--query-offset is 1152921504606846976: it must be at most 2⁵³"
    assert told(option, Language.VI) == "--query-offset là 1152921504606846976: nhiều nhất là 2⁵³"
    assert of_option("scale is what it is") == "--scale is what it is"


def test_a_path_that_stands_for_something_is_told_as_what_it_stands_for():
    known = Message("standard input")
    message = meaning(
        Message("{path} lacks {missing}: it holds {content}", path=known + "", missing="key", content="a"), known
    )
    assert message == "standard input lacks key: it holds a"
    assert told(message, Language.VI) == "đầu vào chuẩn thiếu key: nó chứa a"
    around = meaning(Message("hint: {hint}", hint=Message("{name} is empty", name="standard input")), known)
    assert told(around, Language.VI) == "gợi ý: đầu vào chuẩn trống"
    assert (
        told(meaning(Message("{name} is empty", name="a standard input"), known), Language.VI)
        == "a standard input trống"
    )


def test_an_error_gives_back_what_it_was_given_to_say():
    message = Message("it holds {name!r} twice", name="query")
    assert said_by(ValueError(message)) is message
    assert said_by(ValueError("plain")) == "plain"
    assert said_by(ValueError()) == ""
    assert said_by(OSError(2, "No such file or directory")) == "[Errno 2] No such file or directory"


def test_a_place_without_a_value_stays_and_hides_no_error():
    """A message of a library, put in as it is, may have braces of its own."""
    error = AttnvizError("{name} has {shape}", "give {shape}, or {other}", name="query", shape=(2, 3))
    assert str(error) == "query has (2, 3)"
    assert error.hint == "give (2, 3), or {other}"
    assert str(AttnvizError("{missing} of {name}", name="key")) == "{missing} of key"
    assert told(Message("{missing} of {name}", name="key"), Language.VI) == "{missing} of key"
    assert pickle.loads(pickle.dumps(error.hint)) == error.hint
