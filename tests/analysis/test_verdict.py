"""The limits of a proof: just reached, and just missed."""

from __future__ import annotations

import pytest
from made_roles import made_role, share

from attnviz.analysis.verdict import also_lost, lost_without, missing, verdict
from attnviz.trace.asking import ROLES
from attnviz.trace.roles import Verdict

WHOLE = dict.fromkeys(ROLES, share(1.0))


def without(**accuracies):
    """How the questions of each role are answered without the head: right, but for ``accuracies``."""
    return {"ablated": WHOLE | {role: share(value) for role, value in accuracies.items()}}


def judged(role="syntax", whole=WHOLE, **changes):
    found = made_role(role, **changes)
    return verdict(found, whole), tuple(missing(found, whole))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_proved_just_at_the_limits(role):
    others = {other: 0.95 for other in ROLES if other != role}
    at = {"hits": share(0.95), "offset": (2, share(0.55)), "patched": share(0.9)} | without(**others, **{role: 0.6})
    assert judged(role, **at) == (Verdict.PROVED, ())


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"hits": share(0.949), "offset": (2, share(0.3))}, "hits"),
        ({"offset": (2, share(0.591))}, "offset"),
        (without(syntax=0.601), "needed"),
        (without(syntax=0.5, meaning=0.949), "apart"),
        ({"patched": share(0.899)}, "patched"),
        ({"patched": None}, "patched"),
    ],
)
def test_what_is_just_missed_is_named(changes, lacks):
    assert judged(**changes) == (Verdict.PARTLY, (lacks,))


def test_all_that_is_missing_is_named():
    found = judged(hits=share(0.7), offset=(1, share(0.6)), patched=share(0.2), **without(syntax=0.7, copying=0.5))
    assert found == (Verdict.PARTLY, ("hits", "offset", "needed", "apart", "patched"))


@pytest.mark.parametrize(
    ("hits", "accuracy", "expected"),
    [
        (0.999, 0.95, Verdict.NOT_NEEDED),
        (0.8, 0.901, Verdict.NOT_NEEDED),
        (0.8, 0.9, Verdict.PARTLY),
        (0.79, 0.95, Verdict.NONE),
        (0.1, 0.99, Verdict.NONE),
        (0.59, 0.6, Verdict.LOOKS_ELSEWHERE),
        (0.6, 0.6, Verdict.PARTLY),
        (0.59, 0.61, Verdict.PARTLY),
    ],
)
def test_what_falls_short_of_a_proof(hits, accuracy, expected):
    assert judged(hits=share(hits), offset=(2, share(0.3)), **without(syntax=accuracy))[0] is expected


def test_copying_may_fall_with_the_head_of_position_and_nothing_else_may():
    falls = without(position=0.2, copying=0.1)
    assert judged("position", **falls) == (Verdict.PROVED, ())
    assert judged("position", **without(position=0.2, syntax=0.9)) == (Verdict.PARTLY, ("apart",))
    assert judged("copying", **without(copying=0.1, position=0.2))[1] == ("apart",)
    assert also_lost(made_role("position", **falls), WHOLE) == ["copying"]


def test_the_offset_is_no_rival_of_position():
    assert judged("position", offset=(1, share(1.0)))[0] is Verdict.PROVED


def test_a_role_whose_questions_could_not_be_put_is_not_shown_to_be_apart():
    """Nothing is proved of it, so the proof of another lacks it."""
    whole = {role: WHOLE[role] for role in ROLES if role != "meaning"}
    ablated = {role: value for role, value in without(syntax=0.5)["ablated"].items() if role != "meaning"}
    assert judged(whole=whole, ablated=ablated) == (Verdict.PARTLY, ("apart",))


def test_what_is_lost_has_no_noise_of_binary_fractions():
    assert 0.95 - 0.55 != 0.4
    assert lost_without(made_role(**without(syntax=0.55)), WHOLE | {"syntax": share(0.95)}, "syntax") == 0.4
