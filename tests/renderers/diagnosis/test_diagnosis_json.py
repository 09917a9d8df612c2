"""A diagnosis as JSON: the contract."""

from __future__ import annotations

import json

import pytest
from made_diagnoses import CORRECT, EVERY, INFINITE, ONE, PAIR, SEVERAL, UNKNOWN

from attnviz.choices import Language
from attnviz.renderers.diagnosis.diagnosis_json import to_json
from attnviz.text.lessons import lessons


def said(found, language=Language.EN):
    return json.loads(to_json(found, lessons(language)))


def test_a_mistake():
    record = said(ONE)
    [mistake] = record.pop("mistakes")
    assert record == {
        "attnviz": 1,
        "verdict": "mistake",
        "error": 0.41,
        "tolerance": 1e-6,
        "dtype": "float32",
        "explanations": [["causal-top-left"]],
        "rows": {"looked_at": 48, "all": 48},
    }
    assert mistake.pop("title").startswith("The causal mask is aligned at the top left")
    assert mistake.pop("fix").startswith("Align the last Query with the last Key: visible = torch.ones(")
    assert mistake.pop("seen")[0] == "pytorch/pytorch#108108"
    assert mistake == {
        "name": "causal-top-left",
        "value": None,
        "items": "all",
        "heads": "all",
        "queries": "all",
        "keys": "all",
        "before": 0.41,
        "after": 2e-7,
    }


def test_places_are_numbers_and_blocks():
    [scale, tiled] = said(PAIR)["mistakes"]
    assert scale["value"] == 0.1767766952966369
    assert (tiled["items"], tiled["heads"]) == ([1], [0, 2, 3, 4])
    assert (tiled["queries"], tiled["keys"]) == ([[16, 32]], [[0, 1], [4, 6]])


def test_which_mistakes_hold_together():
    assert said(SEVERAL)["explanations"] == [["causal-top-left"], ["scale-value", "hidden-rows-nan"]]
    assert [one["name"] for one in said(SEVERAL)["mistakes"]] == ["causal-top-left", "scale-value", "hidden-rows-nan"]
    assert said(SEVERAL)["suggestion"] == {
        "heads": 4,
        "key_heads": 2,
        "queries": 3,
        "keys": 5,
        "dimension": 8,
        "value_dimension": 6,
    }


def test_what_is_correct_or_unknown_has_no_mistakes():
    assert (said(CORRECT)["verdict"], said(CORRECT)["mistakes"]) == ("correct", [])
    assert "departs" not in said(CORRECT)
    assert said(UNKNOWN)["mistakes"] == []
    assert said(UNKNOWN)["departs"] == {
        "first": {"item": 0, "head": 1, "query": 5},
        "items": "all",
        "heads": [1, 2],
        "queries": [[5, 6]],
        "keys": [16, 32],
        "share": 0.25,
        "finite": True,
        "follows": ["heads", "tiles-16"],
    }


def test_an_infinite_error_is_null():
    assert said(INFINITE)["error"] is None
    assert "keys" not in said(INFINITE)["departs"]


@pytest.mark.parametrize("found", EVERY)
def test_names_and_numbers_are_the_same_in_each_language(found):
    english, vietnamese = said(found), said(found, Language.VI)
    for record in (english, vietnamese):
        for mistake in record["mistakes"]:
            assert mistake.pop("title")
            assert mistake.pop("fix")
    assert english == vietnamese
