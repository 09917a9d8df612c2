"""What is told of a role: its numbers, and what they mean together, for each verdict and in both languages."""

from __future__ import annotations

import pytest
from made_roles import made_role, made_roles, share

from attnviz.analysis.verdict import missing
from attnviz.choices import Language
from attnviz.renderers.roles.told import evidence, interval, percent, told, verdict_word, worn_name
from attnviz.text.lessons import lessons
from attnviz.trace.asking import ROLES
from attnviz.trace.roles import Share, Verdict

ENGLISH = lessons()
UNMEASURED = {"verdict": None, "accuracy": None, "ablated": {}, "others": None, "patched": None, "helpers": ()}


def sentences(found, *others):
    return told(found, made_roles(found, *others), ENGLISH).sentences


def test_a_role_that_is_proved():
    found = made_role()
    shown = told(found, made_roles(found), ENGLISH)
    assert (shown.title, shown.head, shown.verdict) == ("Syntax: a verb's subject", "layer 1, head 0", "proved")
    assert shown.rows == (
        ("looks at the true word", "99.0 %", "98.0–100.0 %"),
        ("best fixed distance, 2", "36.0 %", "35.0–37.0 %"),
        ("right answers", "99.8 %", "98.8–100.0 %"),
        ("… without this head", "50.0 %", "49.0–51.0 %"),
        ("… without one other head, on average", "97.0 %", "96.0–98.0 %"),
        ("answers that turn with it", "95.0 %", "94.0–96.0 %"),
    )
    assert shown.sentences == (
        "Its largest weight is on the subject in 99 % of the questions (the best fixed distance: 36 %). "
        "Without this head 50 % of the answers are right instead of 99.8 %. "
        "Put in its output from the same text with another word there, and 95 % of the answers become that text's.",
        "It has helpers: layer 0, head 1 (62.5 % right without it).",
        "So it looks there, it is needed, the other roles do not need it, and the answer turns with it.",
    )


def test_what_happens_to_the_other_questions_is_told_beside_what_they_were():
    found = made_role(ablated={role: share(0.5 if role == "syntax" else 0.97) for role in ROLES})
    others = [made_role(role, accuracy=share(0.97 if role == "meaning" else 1.0)) for role in ROLES if role != "syntax"]
    assert (
        "Right answers to the other questions without it: position 100 → 97 %, meaning 97 %, copying 100 → 97 %."
        in sentences(found, *others)
    )


def test_where_copying_falls_with_position_it_is_said_why():
    found = made_role(
        "position", ablated={role: share(1.0) for role in ROLES} | {"position": share(0.2), "copying": share(0.1)}
    )
    [line] = [one for one in sentences(found, made_role("copying")) if one.startswith("Right answers to")]
    assert line.endswith("Copying needs it too, and may: what followed a word is found by the word before each.")
    assert sentences(found, made_role("copying", accuracy=share(1.0)))[-1] == (
        "So it looks there, it is needed, no other roles but copying need it, and the answer turns with it."
    )
    whole = made_role("position", ablated={role: share(1.0) for role in ROLES} | {"position": share(0.2)})
    assert not any("needs it too" in line for line in sentences(whole, made_role("copying")))


def test_of_position_it_is_told_how_often_it_looks_there_anywhere():
    found = made_role("position", word_before=share(0.8))
    shown = told(found, made_roles(found), ENGLISH)
    assert [row.label for row in shown.rows[:2]] == ["looks at the true word", "the word before, anywhere"]
    assert "fixed distance" not in shown.sentences[0]


@pytest.mark.parametrize(
    ("verdict", "last"),
    [
        (Verdict.NOT_NEEDED, "So it looks there, but the model does nearly as well without it: others do the work."),
        (Verdict.LOOKS_ELSEWHERE, "So the model needs it, but not for what it looks at."),
        (Verdict.NONE, "So no head has this role: none both looks there and is needed, and this one comes closest."),
    ],
)
def test_each_verdict_is_told_in_words(verdict, last):
    assert sentences(made_role(verdict=verdict))[-1] == last


def test_what_a_proof_lacks_is_named_with_its_limits():
    whole = {role: share(1.0) for role in ROLES}
    found = made_role(verdict=Verdict.PARTLY, hits=share(0.7), offset=(1, share(0.6)), patched=None, ablated=whole)
    found = made_role(**vars(found) | {"ablated": whole | {"meaning": share(0.5)}})
    found = made_role(**vars(found) | {"missing": tuple(missing(found, whole))})
    assert sentences(found)[-1] == (
        "What a proof lacks: it must look there in 95 % of the questions; "
        "that must be 40 points more than the best fixed distance; 40 points must be lost without it; "
        "no other questions may need it; 90 % of the answers must turn with it."
    )


def test_where_nothing_but_looks_is_known_that_is_said():
    found = made_role(**UNMEASURED)
    shown = told(found, made_roles(found), ENGLISH)
    assert (shown.verdict, len(shown.rows)) == ("no verdict", 2)
    [line] = shown.sentences
    assert line.endswith("Only where heads look is known here: this model says no next word, or none of these.")


def test_a_saved_role_without_its_own_questions_is_one_of_which_only_looks_are_known():
    assert "Only where heads look is known" in evidence(made_role(ablated={}), ENGLISH)


def test_a_head_wears_what_is_proved_or_partly_so():
    worn = {verdict: worn_name(made_role(verdict=verdict), ENGLISH) for verdict in (*Verdict, None)}
    assert worn == dict.fromkeys((*Verdict, None), "") | {
        Verdict.PROVED: "syntax (proved)",
        Verdict.PARTLY: "syntax (partly)",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.899, "89.9 %"), (0.9, "90 %"), (0.0, "0 %"), (1.0, "100 %"), (0.0004, "0 %"), (0.9996, "100 %")],
)
def test_a_share_is_told_with_a_decimal_where_it_has_one(value, text):
    assert percent(share(value)) == text


def test_an_interval_has_one_decimal():
    assert interval(Share(0.5, (0.4567, 0.54))) == "45.7–54.0 %"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("verdict", [*Verdict, None])
@pytest.mark.parametrize("role", ROLES)
def test_everything_is_told_in_both_languages(role, verdict, language):
    found = made_role(role, verdict=verdict, missing=("hits", "apart") if verdict is Verdict.PARTLY else ())
    shown = told(found, made_roles(found, *map(made_role, ROLES)), lessons(language))
    said = " ".join((shown.title, *shown.sentences, *(row.label for row in shown.rows)))
    assert ("là" in said.split() or "trong" in said.split()) == (language is Language.VI)
    assert "{" not in said
    assert verdict_word(found, lessons(language)) == shown.verdict
