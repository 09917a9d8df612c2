"""What any look says beside its numbers, in both languages."""

from __future__ import annotations

import pytest

from attnviz.choices import Language
from attnviz.renderers.shared import facts
from attnviz.text.lessons import lessons
from attnviz.trace.agreement import exactness
from attnviz.trace.origin import Origin

ENGLISH, VIETNAMESE = lessons(Language.EN), lessons(Language.VI)


@pytest.mark.parametrize("error", [2e-7, 0.0])
def test_how_exact_a_model_s_numbers_are_is_said_as_a_notice_says_it(error):
    assert facts.exactness("M", error, ENGLISH) == exactness("M", error)
    assert facts.exactness("M", error, VIETNAMESE).startswith("M, tính lại, ")


def test_of_no_model_nothing_is_said():
    assert facts.exactness("", 2e-7, ENGLISH) == facts.exactness("M", None, ENGLISH) == ""


def test_that_only_some_queries_were_compared_is_said_where_it_is_so():
    assert facts.sampled(0, ENGLISH) == ""
    assert facts.sampled(1_200, ENGLISH).startswith(
        "texts of which a sample of the queries was compared: 1,200 (--verify"
    )
    assert facts.sampled(3, VIETNAMESE).startswith("số văn bản chỉ so một phần các Query: 3")


def test_what_keys_that_are_left_out_took_is_said_where_there_are_any():
    assert facts.left_out(None, ENGLISH) == ""
    said = "special tokens hidden: they took on average 25 % of the weights"
    assert facts.left_out(0.25, ENGLISH) == said
    assert facts.left_out(0.0, ENGLISH, "stats.left_out") == "other keys took on average 0 % of the weights"
    assert facts.left_out(0.99999, VIETNAMESE, "stats.left_out") == "trung bình các Key khác lấy > 99.9 % trọng số"


@pytest.mark.parametrize(
    ("title", "vietnamese"), [("layer 0", "lớp 0"), ("layer 12", "lớp 12"), ("decoder 0", "decoder 0"), ("", "")]
)
def test_a_layer_is_named_in_words_and_a_stack_as_the_model_names_it(title, vietnamese):
    assert facts.layer_name(title, ENGLISH) == title
    assert facts.layer_name(title, VIETNAMESE) == vietnamese


@pytest.mark.parametrize(
    ("side", "text", "vietnamese"),
    [
        (range(100, 200), "queries 100–199", "các Query 100–199"),
        (range(3, 4), "query 3", "Query 3"),
        (range(999, 1001), "queries 999–1,000", "các Query 999–1,000"),
    ],
)
def test_positions_are_said_as_a_person_says_them(side, text, vietnamese):
    assert facts.queries(side, ENGLISH) == text
    assert facts.queries(side, VIETNAMESE) == vietnamese
    assert facts.keys(side, ENGLISH) == text.replace("quer", "k").replace("kies", "keys").replace("ky", "key")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ({"kind": "model", "model": "tiny"}, "masked.bias_learned"),
        ({"kind": "model", "model": "t5-small"}, "masked.bias_model"),
        ({"kind": "arrays"}, "masked.bias"),
    ],
)
def test_a_bias_is_said_to_be_given_only_where_somebody_gave_it(source, name):
    assert facts.whose_bias(Origin(source)) == name


@pytest.mark.parametrize("lang", list(Language))
def test_rows_that_do_not_add_up_are_told_with_the_furthest(lang):
    words = lessons(lang)
    found = {"off": 1200, "rows": 2400, "layer": "layer 3", "head": 1, "query": 5, "sum": 0.25}
    told = facts.row_sums(Origin({"row_sums": found}), words)
    assert all(part in told for part in ("1,200", "2,400", words.say("picture.layer", layer=3), "0.25"))
    assert facts.row_sums(Origin({}), words) == ""
