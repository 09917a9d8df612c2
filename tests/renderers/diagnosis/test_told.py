"""What is told of a diagnosis: the verdict, where each mistake is, how well it explains, and what to do."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from made_diagnoses import (
    CORRECT,
    EVERY,
    EXACT,
    FOLLOWING,
    FOLLOWS,
    INFINITE,
    ONE,
    PAIR,
    SEVERAL,
    TOP_LEFT,
    UNKNOWN,
    UNTOLD,
    named,
)

import attnviz
from attnviz.analysis.diagnosis.registry import names
from attnviz.choices import Language
from attnviz.renderers.diagnosis.seen import SEEN, seen
from attnviz.renderers.diagnosis.told import as_root, brief, fix, listed, titled, told
from attnviz.text.lessons import lessons

ENGLISH = lessons()
MANUAL = Path(attnviz.__file__).parent / "manual" / "diagnose.md"
NAMES = [name.partition(".")[2] for name in ENGLISH.messages if name.startswith("mistake.")]


def facts(found, number=0, place=0):
    """The facts of one block, by their labels."""
    return {row.label: row.text for row in told(found, ENGLISH).explanations[number][place].rows}


def test_a_correct_output_is_told_in_a_line():
    assert told(CORRECT, ENGLISH).headline == "Correct to 3.2e-7 (rounding of float32)"
    assert told(EXACT, ENGLISH).headline == "Correct: no difference at all from what was meant"
    assert told(CORRECT, ENGLISH).explanations == told(CORRECT, ENGLISH).sentences == ()


def test_a_mistake_is_told_with_its_evidence():
    [[block]] = told(ONE, ENGLISH).explanations
    assert block.name == "causal-top-left"
    assert block.title.startswith("The causal mask is aligned at the top left")
    assert facts(ONE)["where"] == "everywhere"
    assert facts(ONE)["error"] == "0.41 → 2e-7 (rounding of float32: 1e-6)"
    assert facts(ONE)["change"] == "Align the last Query with the last Key"
    assert "tril(key_count - query_count)" in block.rows[2].code
    assert facts(ONE)["seen at"].startswith("pytorch/pytorch#108108 · ")
    assert block.rows[3].issues == SEEN["causal-top-left"]


def test_a_pair_is_told_as_both_each_where_it_is():
    assert told(PAIR, ENGLISH).headline == "Not correct: 2 mistakes together explain it"
    [[scale, tiled]] = told(PAIR, ENGLISH).explanations
    assert scale.title == "Another scale was used than was meant: 0.176777 = 1/√32"
    assert tiled.name == "groups-tiled"
    assert facts(PAIR, 0, 1)["where"] == "batch item 1, heads 0, 2 to 4, Queries 16 to 31, Keys 0, 4, 5"


def test_several_are_told_with_what_tells_them_apart():
    assert told(SEVERAL, ENGLISH).headline.startswith("Not correct: 2 explanations")
    assert [len(one) for one in told(SEVERAL, ENGLISH).explanations] == [1, 2]
    assert "query (4, 3, 8), key (2, 5, 8), value (2, 5, 6)" in told(SEVERAL, ENGLISH).sentences[0]
    assert told(UNTOLD, ENGLISH).sentences[0].startswith("No small input")
    assert facts(SEVERAL, 1, 1)["where"] == "batch items 0, 1, head 3, Query 2"
    assert facts(SEVERAL, 1, 1)["error"].startswith("∞ → 1e-7")


def test_an_unknown_mistake_is_located_and_not_named():
    [[block]] = told(UNKNOWN, ENGLISH).explanations
    assert (block.name, block.title) == ("", "")
    assert facts(UNKNOWN) == {
        "error": "0.41 (rounding of float32: 1e-6)",
        "departs first": "head 1, Query 5, Keys 16 to 31",
        "where": "heads 1, 2, Query 5",
        "wrong rows": "25 % of the rows that were looked at",
        "the error follows": "the heads, tiles of 16",
    }
    assert facts(INFINITE)["departs first"] == "batch item 2, head 0, Query 0"
    assert facts(INFINITE)["where"].endswith("; some numbers of the output are NaN or infinite")
    assert facts(FOLLOWING)["the error follows"].count(",") == len(FOLLOWS) - 1


def test_an_unknown_mistake_that_is_nowhere_has_its_error_alone():
    assert list(facts(replace(UNKNOWN, departs=None))) == ["error"]


def test_that_not_all_rows_were_looked_at_is_said():
    assert told(PAIR, ENGLISH).sentences[-1] == "The 64 most telling rows of 4,096 were looked at."
    assert not any("looked at" in line for line in told(ONE, ENGLISH).sentences)


@pytest.mark.parametrize(
    ("error", "said"),
    [(0.41, "0.41"), (2e-7, "2e-7"), (3.16e-12, "3.2e-12"), (1.0, "1"), (1e12, "1e12"), (0.0, "0"), (math.inf, "∞")],
)
def test_errors_are_brief(error, said):
    assert brief(error) == said


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([3], "3"),
        ([1, 0], "0, 1"),
        ([5, 3, 4, 9], "3 to 5, 9"),
        (range(100), "0 to 99"),
        (range(0, 40, 2), "0, 2, 4, 6, 8, 10, 12, 14 and 12 more"),
    ],
)
def test_numbers_in_a_sentence(numbers, said):
    assert listed(numbers, ENGLISH) == said


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        (32**-0.5, " = 1/√32"),
        (0.125, " = 1/8"),
        (768**-0.5 * (1 + 1e-7), " = 1/√768"),
        (8**0.5, " = √8"),
        (8.0, ""),
        (0.2113, ""),
        (1.0, ""),
        (-0.25, ""),
        (1e-9, ""),
        (0.0, ""),
        (math.inf, ""),
    ],
)
def test_a_scale_is_told_as_a_root(scale, said):
    assert as_root(scale) == said


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.some(59)
def test_every_mistake_has_a_title_and_a_line_of_code(name, language):
    words = lessons(language)
    sentence, code = fix(named(name), words)
    assert titled(named(name), words) == words.messages[f"mistake.{name}"]
    assert sentence
    assert re.search(r"[a-z]", code)
    assert code == fix(named(name), ENGLISH)[1]
    assert not {"head ", "token "} & {code}


@pytest.mark.parametrize("found", EVERY)
@pytest.mark.parametrize("language", list(Language))
def test_everything_can_be_told_in_each_language(found, language):
    said = told(found, lessons(language))
    assert said.headline
    assert all(row.label and row.text for one in said.explanations for block in one for row in block.rows)


def test_every_mistake_that_can_be_named_has_words():
    assert sorted(NAMES) == sorted(names())
    assert [name.partition(".")[2] for name in ENGLISH.messages if name.startswith("fix.")] == NAMES


def test_the_manual_lists_every_mistake():
    rows = re.findall(r"^\| `([\w-]+)` \| (.*?) \| (.*?) \|$", MANUAL.read_text(encoding="utf-8"), re.MULTILINE)
    of_mistakes = [row for row in rows if row[0] in NAMES]
    assert of_mistakes == [(name, ENGLISH.messages[f"mistake.{name}"], ", ".join(seen(name))) for name in NAMES]


def test_titles_tell_mistakes_apart():
    titles = [ENGLISH.messages[f"mistake.{name}"] for name in NAMES]
    assert len(set(titles)) == len(titles)


def test_the_code_is_python():
    for name in NAMES:
        compile(fix(named(name), ENGLISH)[1], name, "exec")


def test_the_same_is_made_of_the_same():
    assert told(ONE, ENGLISH) == told(ONE, ENGLISH)
    assert titled(TOP_LEFT, lessons(Language.VI)) != titled(TOP_LEFT, ENGLISH)
