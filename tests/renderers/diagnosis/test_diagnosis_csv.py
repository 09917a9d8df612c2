"""A diagnosis as CSV: a row for each mistake."""

from __future__ import annotations

import csv

from made_diagnoses import CORRECT, PAIR, SEVERAL

from attnviz.renderers.diagnosis.diagnosis_csv import to_csv


def rows(found):
    return list(csv.DictReader(to_csv(found).splitlines()))


def test_a_row_for_each_mistake_with_the_number_of_its_explanation():
    assert [(row["explanation"], row["name"]) for row in rows(SEVERAL)] == [
        ("1", "causal-top-left"),
        ("2", "scale-value"),
        ("2", "hidden-rows-nan"),
    ]
    assert {row["verdict"] for row in rows(SEVERAL)} == {"several"}


def test_numbers_and_places():
    scale, tiled = rows(PAIR)
    assert float(scale["value"]) == 0.1767766952966369
    assert (scale["heads"], scale["before"], scale["after"]) == ("all", "0.2", "3e-07")
    assert (tiled["items"], tiled["heads"], tiled["queries"], tiled["keys"]) == ("1", "0 2 3 4", "16:32", "0:1 4:6")
    assert (tiled["value"], tiled["seen"]) == ("", "onnx/onnx#7274")


def test_a_correct_output_has_a_row_too():
    [row] = rows(CORRECT)
    assert (row["verdict"], row["error"], row["dtype"], row["name"]) == ("correct", "3.2e-07", "float32", "")
