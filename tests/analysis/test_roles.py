"""Which head has which role: of a model that is made up, each verdict; and all that is reported beside it."""

from __future__ import annotations

import numpy
import pytest
from made_roles import CASES, CHANCE, EACH_ITS_OWN, PROVES, Does, MadeAnswering, made_questions

from attnviz.analysis.intervals import share_of
from attnviz.analysis.roles import find_roles
from attnviz.trace.asking import ROLES
from attnviz.trace.roles import Example, Helper, Verdict


def found_in(table, role="syntax", **options):
    roles = find_roles(MadeAnswering(table, **options), made_questions())
    return next(one for one in roles.roles if one.role == role)


def test_each_head_that_does_one_thing_is_proved():
    found = find_roles(MadeAnswering(EACH_ITS_OWN), made_questions())
    assert (found.model, found.cases, found.seed, found.tried, found.heads) == ("made", CASES, 7, 4, 4)
    assert [(one.role, one.layer, one.head, one.verdict, one.missing) for one in found.roles] == [
        (role, *divmod(place, 2), Verdict.PROVED, ()) for place, role in enumerate(ROLES)
    ]


def test_everything_that_is_measured_is_reported():
    found = found_in(EACH_ITS_OWN)
    whole = share_of(1.0, CASES)
    assert (found.hits, found.accuracy, found.patched) == (whole, whole, whole)
    assert found.offset == (1, share_of(0.25, CASES))
    assert found.ablated == dict.fromkeys(ROLES, whole) | {"syntax": share_of(CHANCE, CASES)}
    assert found.others == whole
    assert found.word_before is None
    assert found.helpers == ()
    assert found.example == Example(("a", "b", "c", "d", "e"), 3, "yes", (0, 0, 0, 1, 0))


def test_a_fixed_offset_hits_any_token_of_the_true_word_as_a_head_does():
    """One to four words back, each of two tokens: two back stands a token of those of one and of two."""
    assert found_in(EACH_ITS_OWN, pieces=2).offset == (2, share_of(0.5, CASES))


def test_of_position_it_is_told_how_often_the_word_before_is_looked_at():
    found = found_in(EACH_ITS_OWN, "position")
    assert found.word_before == share_of(0.25, CASES * 4 * len(ROLES))  # never in the texts of the other roles
    assert found.offset == (1, share_of(1.0, CASES))


@pytest.mark.parametrize(
    ("does", "verdict", "missing"),
    [
        (Does(1.0, CHANCE, 0.5), Verdict.PARTLY, ("patched",)),
        (Does(0.9, CHANCE, 1.0), Verdict.PARTLY, ("hits",)),
        (Does(1.0, 0.7, 1.0), Verdict.PARTLY, ("needed",)),
        (Does(1.0, 1.0, 0.0), Verdict.NOT_NEEDED, ("needed", "patched")),
        (Does(0.3, CHANCE, 1.0), Verdict.LOOKS_ELSEWHERE, ("hits", "offset")),
        (Does(0.3, 1.0, 0.0), Verdict.NONE, ("hits", "offset", "needed", "patched")),
    ],
)
def test_a_head_that_falls_short_has_another_verdict(does, verdict, missing):
    found = found_in({(1, 1): {"syntax": does}})
    assert (found.layer, found.head, found.verdict, found.missing) == (1, 1, verdict, missing)


def test_a_head_that_others_need_too_is_no_proof():
    found = found_in({(1, 1): {"syntax": PROVES, "meaning": Does(0.0, 0.6)}})
    assert (found.verdict, found.missing) == (Verdict.PARTLY, ("apart",))
    assert found.ablated["meaning"] == share_of(0.6, CASES)


def test_of_heads_that_all_look_there_the_one_that_is_needed_is_chosen():
    """Pictures alone would not tell them apart."""
    looks = {head: {"syntax": Does(1.0)} for head in numpy.ndindex(2, 2)}
    found = found_in(looks | {(1, 0): {"syntax": Does(0.95, CHANCE, 1.0)}})
    assert (found.layer, found.head, found.verdict) == (1, 0, Verdict.PROVED)


def test_heads_without_which_some_is_lost_are_helpers_and_the_most_needed_comes_first():
    helps = {
        (0, 0): {"syntax": Does(0.0, 0.9)},
        (0, 1): {"syntax": Does(0.0, 0.7)},
        (1, 0): {"syntax": Does(0.0, 0.95)},
    }
    found = found_in(helps | {(1, 1): {"syntax": PROVES}})
    assert found.helpers == (Helper(0, 1, share_of(0.7, CASES)), Helper(0, 0, share_of(0.9, CASES)))
    assert found.others == share_of((0.9 + 0.7 + 0.95) / 3, CASES)


def test_of_a_large_model_the_promising_heads_alone_are_taken_away():
    found = find_roles(MadeAnswering(EACH_ITS_OWN, candidates=[(0, 1), (1, 0)]), made_questions())
    assert (found.tried, found.heads) == (2, 4)
    assert {(one.layer, one.head) for one in found.roles} <= {(0, 1), (1, 0)}


def test_a_single_head_has_no_others():
    assert found_in(EACH_ITS_OWN, candidates=[(0, 1)]).others is None


def test_of_a_model_that_predicts_nothing_only_where_heads_look_is_known():
    found = find_roles(MadeAnswering(EACH_ITS_OWN, predicts=False), made_questions())
    assert (found.tried, found.heads) == (0, 4)
    assert [(one.role, one.layer, one.head) for one in found.roles] == [
        (role, *divmod(place, 2)) for place, role in enumerate(ROLES)
    ]
    for one in found.roles:
        assert (one.verdict, one.accuracy, one.others, one.patched) == (None, None, None, None)
        assert (one.ablated, one.helpers, one.missing) == ({}, (), ())
        assert one.hits.value == 1.0


def test_a_role_whose_answers_cannot_be_said_has_no_verdict_and_divides_nothing_by_none():
    with numpy.errstate(all="raise"):
        found = find_roles(MadeAnswering(EACH_ITS_OWN, unsaid=("meaning",)), made_questions())
    syntax, meaning = found.roles[1:3]
    assert (meaning.verdict, meaning.accuracy, meaning.ablated, meaning.layer, meaning.head) == (None, None, {}, 1, 0)
    assert meaning.example is not None
    assert set(syntax.ablated) == {"position", "syntax", "copying"}
    assert (syntax.verdict, syntax.missing) == (Verdict.PARTLY, ("apart",))
    assert found.tried == 4


def test_where_no_answer_can_be_said_the_looks_are_told():
    found = find_roles(MadeAnswering(EACH_ITS_OWN, unsaid=ROLES), made_questions())
    assert {one.verdict for one in found.roles} == {None}
    assert found.tried == 0


def test_it_is_told_how_far_it_is():
    told = []
    find_roles(MadeAnswering(EACH_ITS_OWN), made_questions(), lambda done, of: told.append((done, of)))
    assert told == [(done, 8) for done in range(8)]
