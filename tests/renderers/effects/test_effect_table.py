"""The table of effects: a row a head, changes with their signs, worst first where that is asked."""

from __future__ import annotations

import math

from made_effects import VALUES, gathered, made_effects

from attnviz.choices import Effect, Language
from attnviz.renderers.effects.effect_table import to_renderable, told
from attnviz.renderers.shared.plain import plain
from attnviz.text.lessons import lessons


def test_changes_have_signs_and_small_ones_two_digits():
    matrix = told(gathered(), None, lessons()).matrix
    assert matrix.columns == ["loss", "probability", "kl"]
    assert matrix.rows == ["layer 0 · 0", "layer 0 · 1", "layer 1 · 0", "layer 1 · 1"]
    assert matrix.cells[:2] == [["+0.500", "-0.125", "0.750"], ["-0.250", "0.000", "2.0e-05"]]
    assert [row[0] for row in matrix.tints] == [0.75 / 1.75, 0.0, 1.0, 0.25 / 1.75]


def test_of_several_texts_the_deviation_stands_beside():
    matrix = told(gathered(made_effects(), made_effects(values=VALUES + 1)), None, lessons()).matrix
    assert matrix.cells[0] == ["+1.000 ± 0.707", "+0.375 ± 0.707", "1.250 ± 0.707"]


def test_a_value_that_no_text_has_is_a_dash_and_a_column_without_any_is_not_there():
    values = VALUES.copy()
    values[0, 0, 0] = math.nan
    assert told(gathered(made_effects(values=values)), None, lessons()).matrix.cells[0][0] == "–"
    assert told(gathered(made_effects(answer=None)), None, lessons()).matrix.columns == ["loss", "kl"]


def test_what_may_be_rounding_is_0():
    values = VALUES.copy()
    values[0, :, 0] = 9e-7, -9e-7, 9e-7
    assert told(gathered(made_effects(values=values)), None, lessons()).matrix.cells[0] == ["0.000"] * 3


def test_it_is_printed_whole():
    lines = plain(to_renderable(gathered(), Effect.PROBABILITY, lessons(Language.VI))).splitlines()
    assert lines[5].startswith("lớp 0 · 0 │ +0.500")
    assert lines[-1].startswith("Tác động nhỏ không có nghĩa")
    assert plain(to_renderable(gathered(), None)).splitlines()[3].split() == ["head", "│", "loss", "probability", "kl"]
