"""When a head's role counts as proved, and what is said where it does not. The limits are the same for every model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attnviz.trace.asking import ROLES
from attnviz.trace.roles import HeadRole, Share, Verdict

HITS = 0.95  # of the cases in which it must look at the true word
OVER_OFFSET = 0.40  # more than the best fixed offset hits
NEEDED = 0.40  # of its own answers that must be lost without it
APART = 0.05  # of another role's answers that may be lost without it
PATCHED = 0.90  # of its answers that must turn with its output from the minimal pair

FITS = 0.80  # hits from which a head looks as if it had the role
UNNEEDED = 0.10  # less than this is lost without it: it is not needed, whatever it looks at
ELSEWHERE = 0.60  # hits below which a head that is needed looks elsewhere

BUILT_ON = {"position": ("copying",)}  # what followed the same word before is found by the word before each
FIXED = ("position",)  # the offset is the role


def verdict(found: HeadRole, whole: Mapping[str, Share]) -> Verdict:
    """What the evidence in ``found`` says; ``whole`` is the accuracy of the whole model on each role's questions."""
    lost = lost_without(found, whole, found.role)
    if not any(missing(found, whole)):
        return Verdict.PROVED
    if lost < UNNEEDED:
        return Verdict.NOT_NEEDED if found.hits.value >= FITS else Verdict.NONE
    if lost >= NEEDED and found.hits.value < ELSEWHERE:
        return Verdict.LOOKS_ELSEWHERE
    return Verdict.PARTLY


def missing(found: HeadRole, whole: Mapping[str, Share]) -> Iterator[str]:
    """What keeps a role from being proved."""
    if found.hits.value < HITS:
        yield "hits"
    if found.role not in FIXED and points(found.hits.value - found.offset[1].value) < OVER_OFFSET:
        yield "offset"
    if lost_without(found, whole, found.role) < NEEDED:
        yield "needed"
    unknown = [role for role in ROLES if role not in found.ablated]  # nor is it shown that these do without
    if any(role not in BUILT_ON.get(found.role, ()) for role in (*also_lost(found, whole), *unknown)):
        yield "apart"
    if found.patched is None or found.patched.value < PATCHED:
        yield "patched"


def also_lost(found: HeadRole, whole: Mapping[str, Share]) -> list[str]:
    """The other roles whose questions are answered worse without this head."""
    known = found.ablated.keys() & whole.keys() - {found.role}
    return [role for role in found.ablated if role in known and lost_without(found, whole, role) > APART]


def lost_without(found: HeadRole, whole: Mapping[str, Share], role: str) -> float:
    """The share of ``role``'s questions that are answered right by the whole model, and not without this head."""
    return points(whole[role].value - found.ablated[role].value)


def points(difference: float) -> float:
    """A difference of two shares without the noise of binary fractions: 0.95 − 0.55 is 0.40."""
    return round(difference, 9)


def fit(hits: float, lost: float) -> float:
    """How well a head fits a role, to choose one: it should look there and be needed; one of the two counts as well."""
    return (hits + 0.05) * (max(lost, 0.0) + 0.05)
