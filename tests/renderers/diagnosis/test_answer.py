"""A diagnosis for a person: in its language, in the width of the terminal, in colours."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from made_diagnoses import CORRECT, EVERY, ONE, SEVERAL, UNKNOWN
from rich.console import Console

from attnviz.choices import Language
from attnviz.renderers.diagnosis.answer import to_renderable, to_text
from attnviz.text.lessons import lessons


def on_console(found, width, **looks):
    text = io.StringIO()
    Console(file=text, width=width, **looks).print(to_renderable(found))
    return text.getvalue()


def test_the_whole_answer():
    assert to_text(ONE) == (
        "Not correct: a mistake that I know explains it\n"
        "\n"
        "The causal mask is aligned at the top left: the first Query counts as position 0\n"
        "  causal-top-left\n"
        "  where    everywhere\n"
        "  error    0.41 → 2e-7 (rounding of float32: 1e-6)\n"
        "  change   Align the last Query with the last Key\n"
        "           visible = torch.ones(query_count, key_count, dtype=torch.bool).tril(key_count - query_count)\n"
        "  seen at  pytorch/pytorch#108108 · pytorch/pytorch#144858 · Dao-AILab/flash-attention#351\n"
        "\n"
        "Errors are parts of the largest number of the output that was meant.\n"
    )


def test_explanations_are_numbered_where_there_are_several():
    lines = to_text(SEVERAL).splitlines()
    assert [line[:3] for line in lines if "causal mask" in line or "Another scale" in line] == ["1. ", "2. "]
    assert "   A Query that sees no Key becomes NaN" in lines


def test_a_correct_output_takes_one_line():
    assert to_text(CORRECT) == "Correct to 3.2e-7 (rounding of float32)\n"


def test_it_prints_itself_in_its_language():
    vietnamese = replace(UNKNOWN, language=Language.VI)
    assert str(vietnamese) == to_text(vietnamese)
    assert "sai số đi theo" in str(vietnamese)
    assert str(UNKNOWN) != str(vietnamese)
    assert on_console(UNKNOWN, 200) == str(UNKNOWN)
    text = io.StringIO()
    Console(file=text, width=200).print(vietnamese)
    assert text.getvalue() == str(vietnamese)


@pytest.mark.parametrize("found", EVERY)
@pytest.mark.parametrize("width", [40, 80])
def test_it_fits_the_terminal(found, width):
    assert max(map(len, on_console(found, width).splitlines())) <= width


def test_the_verdict_has_its_colour():
    shown = on_console(ONE, 80, force_terminal=True, color_system="standard")
    assert shown.startswith("\x1b[1;31mNot correct")
    shown = on_console(CORRECT, 80, force_terminal=True, color_system="standard")
    assert shown.startswith("\x1b[1;32mCorrect")


def test_other_words_may_tell_it():
    assert "Không đúng" in on_console(replace(ONE, language=Language.VI), 80)
    text = io.StringIO()
    Console(file=text, width=80).print(to_renderable(ONE, lessons(Language.VI)))
    assert "Không đúng" in text.getvalue()
