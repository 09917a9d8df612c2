"""A step as lines: as many words as the width has room for."""

from __future__ import annotations

import io
import math

import numpy
import pytest
from rich.console import Console

from attnviz import Layer, Trace
from attnviz.analysis.reading import HeadReading, ReadWord
from attnviz.choices import Language
from attnviz.renderers.generation.step import StepLines, decided, ending, head_name, head_title
from attnviz.text.lessons import lessons
from attnviz.trace.generation import Generation
from attnviz.trace.roles import HeadRole, Share, Verdict
from attnviz.trace.written import Written

ENGLISH, VIETNAMESE = lessons(), lessons(Language.VI)
READINGS = [
    HeadReading("layer 1", 2, (ReadWord("journey", 0.62), ReadWord("the", 0.3, 4))),
    HeadReading("cross 0", 0, (ReadWord("a b", 1.0),)),
]
PREDICTIONS = (("starts", 0.412), ("with", 0.12), ("[b]", 0.09), ("\x1b", 0.004))


def lines(written, width, lesson=ENGLISH, readings=READINGS):
    text = io.StringIO()
    console = Console(file=text, width=width, highlight=False, emoji=False, markup=False, color_system=None)
    console.print(StepLines(decided(written, readings), lesson), end="")
    return text.getvalue().splitlines()


def written(token="starts", probability=0.412):
    return Written(3, token, probability, PREDICTIONS, lambda _: ())


def test_a_line_for_the_choice_and_one_for_each_head():
    assert lines(written(), 80) == [
        "  3  starts  41 %  or with 12 %  [b] 9 %  \\x1b 0.4 %",
        "     layer 1 head 2  journey 62 %  the @4 30 %",
        "     cross 0 head 0  a·b 100 %",
    ]


def test_what_does_not_fit_is_left_out():
    assert lines(written(), 40) == [
        "  3  starts  41 %  or with 12 %  [b] 9 %",
        "     layer 1 head 2  journey 62 %",
        "     cross 0 head 0  a·b 100 %",
    ]
    assert lines(written(), 14)[1] == "     layer 1 h…"[:13] + "…"
    assert max(map(len, lines(written("x" * 40), 20))) <= 20


def test_a_token_that_was_drawn_stands_before_likelier_ones():
    assert lines(written("odd", 0.001), 80)[0] == "  3  odd  0.1 %  or starts 41 %  with 12 %  [b] 9 %  \\x1b 0.4 %"


def test_what_is_next_to_impossible_is_left_out_but_not_the_first():
    rare = (("a", 0.9999), ("b", 0.0005), ("c", 0.0001))
    assert lines(Written(1, "a", 0.9999, rare, lambda _: ()), 80)[0] == "  1  a  > 99.9 %  or b < 0.1 %"


def test_what_is_not_known_is_left_out():
    assert lines(Written(1, "a", math.nan, (), lambda _: ()), 80)[0] == "  1  a"


def test_a_head_wears_its_role_where_there_is_room():
    share = Share(1.0, (0.9, 1.0))
    worn = READINGS[0]._replace(roles=(HeadRole("meaning", Verdict.PROVED, 1, 2, share, (2, share)),))
    assert head_title(worn, ENGLISH) == "layer 1 head 2 · meaning (proved)"
    assert (
        lines(written(), 80, readings=[worn])[1] == "     layer 1 head 2 · meaning (proved)  journey 62 %  the @4 30 %"
    )
    assert lines(written(), 52, readings=[worn])[1] == "     layer 1 head 2 · meaning (proved)  journey 62 %"
    assert lines(written(), 51, readings=[worn])[1] == "     layer 1 head 2 · meaning  journey 62 %"
    assert lines(written(), 42, readings=[worn])[1] == "     meaning  journey 62 %  the @4 30 %"
    assert lines(written(), 40, readings=[worn])[1] == "     meaning  journey 62 %  the @4 30 %"
    assert lines(written(), 24, readings=[worn])[1].startswith("     layer 1 head 2")


def test_both_languages_name_the_heads():
    assert head_name(READINGS[0], VIETNAMESE) == "lớp 1, đầu 2"
    assert "hoặc with" in lines(written(), 80, VIETNAMESE)[0]


@pytest.mark.parametrize(
    ("text", "asked", "told"),
    [
        (" one\ntwo", 2, "\nWritten: one\\ntwo\n"),
        (" ", 2, "\nWritten:  \n"),
        (None, 2, "\nWritten: one two\n"),
        (None, 5, "\nWritten: one two\nThe model ended here, after 2 of 5 tokens.\n"),
    ],
)
def test_the_end_says_what_was_written(text, asked, told):
    layer = Layer(*[numpy.ones((1, 2, 1))] * 3)
    trace = Trace(("a", "one"), (layer,), generation=Generation(("one", "two"), text=text))
    assert ending(trace, asked, ENGLISH).plain == told


def test_where_heads_wear_roles_the_end_says_where_a_role_shows():
    layer = Layer(*[numpy.ones((1, 2, 1))] * 3)
    trace = Trace(("a", "one"), (layer,), generation=Generation(("one", "two")))
    first, *_, last = ending(trace, 2, ENGLISH, worn=True).plain.strip().splitlines()
    assert first.startswith("A role shows at its own question")
    assert last == "Written: one two"
