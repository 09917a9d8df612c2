"""What is told of a head's role, decided as data: its name, its numbers, and what they mean together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from attnviz.analysis.verdict import BUILT_ON, FIXED, HITS, NEEDED, OVER_OFFSET, PATCHED, also_lost
from attnviz.text.lessons import Lessons
from attnviz.trace.roles import WORN, HeadRole, Roles, Share, Verdict

ARROW = "→"


class Row(NamedTuple):
    """A number: what it is, its value, and its interval."""

    label: str
    value: str
    interval: str


class Told(NamedTuple):
    """All that is told of a role.

    title      the role in words
    head       which head
    verdict    in a word or two
    rows       its numbers
    sentences  what they mean, a line each
    """

    title: str
    head: str
    verdict: str
    rows: tuple[Row, ...]
    sentences: tuple[str, ...]


def told(found: HeadRole, roles: Roles, words: Lessons) -> Told:
    """What is told of ``found``, one of ``roles``."""
    return Told(
        title=words.say(f"roles.{found.role}"),
        head=words.say("roles.head", layer=found.layer, head=found.head),
        verdict=verdict_word(found, words),
        rows=tuple(_rows(found, words)),
        sentences=tuple(_sentences(found, roles, words)),
    )


def verdict_word(found: HeadRole, words: Lessons) -> str:
    """The verdict in a word or two."""
    name = "unknown" if found.verdict is None else found.verdict.name.lower()
    return words.say(f"roles.{name}")


def worn_name(found: HeadRole, words: Lessons) -> str:
    """The role as its head wears it: "syntax (proved)"; "" where the evidence is too thin for a name."""
    if found.verdict not in WORN:
        return ""
    return words.say("roles.worn", role=role_name(found, words), verdict=verdict_word(found, words))


def role_name(found: HeadRole, words: Lessons) -> str:
    """The role in a word: "syntax"."""
    return words.say(f"roles.{found.role}_name")


def evidence(found: HeadRole, words: Lessons) -> str:
    """The evidence for and against a role in one line."""
    return " ".join(_evidence(found, words))


def _rows(found: HeadRole, words: Lessons) -> Iterator[Row]:
    def row(name: str, share: Share, **values: object) -> Row:
        return Row(words.say(f"roles.row_{name}", **values), f"{100 * share.value:.1f} %", interval(share))

    yield row("hits", found.hits)
    distance, share = found.offset
    if found.role not in FIXED:
        yield row("offset", share, distance=distance)
    elif found.word_before is not None:
        yield row("word_before", found.word_before)
    own = found.ablated.get(found.role)
    if found.accuracy is not None and own is not None:
        yield row("accuracy", found.accuracy)
        yield row("ablated", own)
    if found.others is not None:
        yield row("others", found.others)
    if found.patched is not None:
        yield row("patched", found.patched)


def percent(share: Share) -> str:
    """A share in a sentence, with a decimal where it has one: a limit is not reached by rounding."""
    return f"{100 * share.value:.1f}".removesuffix(".0") + " %"


def interval(share: Share) -> str:
    """The ends of an interval in per cent: 98.0–99.5 %."""
    low, high = share.interval
    return f"{100 * low:.1f}–{100 * high:.1f} %"


def _sentences(found: HeadRole, roles: Roles, words: Lessons) -> Iterator[str]:
    whole = {one.role: one.accuracy for one in roles.roles if one.accuracy is not None}
    yield evidence(found, words)
    if found.verdict is None:
        return
    built = [role for role in also_lost(found, whole) if role in BUILT_ON.get(found.role, ())]
    if others := _others(found, whole, words):
        apart = words.say("roles.apart", changes=", ".join(others))
        yield " ".join([apart, *(words.say(f"roles.built_{role}") for role in built)])
    if found.helpers:
        helpers = (
            words.say("roles.helper", layer=one.layer, head=one.head, share=percent(one.accuracy))
            for one in found.helpers
        )
        yield words.say("roles.helpers", helpers=", ".join(helpers))
    if found.verdict is Verdict.PROVED and built:
        but = ", ".join(words.say(f"roles.{role}_name") for role in built)
        yield words.say("roles.is_proved_but", roles=but)
    elif found.verdict is Verdict.PROVED:
        yield words.say("roles.is_proved")
    elif found.verdict is Verdict.PARTLY:
        reasons = "; ".join(words.say(f"roles.missing_{name}", **_limit(name)) for name in found.missing)
        yield words.say("roles.is_partly", reasons=reasons)
    else:
        yield words.say(f"roles.is_{found.verdict.name.lower()}")


def _evidence(found: HeadRole, words: Lessons) -> Iterator[str]:
    word, hits = words.say(f"roles.{found.role}_word"), percent(found.hits)
    if found.role in FIXED:
        yield words.say("roles.looks_before", word=word, hits=hits)
    else:
        yield words.say("roles.looks", word=word, hits=hits, offset=percent(found.offset[1]))
    own = found.ablated.get(found.role)
    if found.accuracy is None or own is None:
        yield words.say("roles.unmeasured")
        return
    without, whole = percent(own), percent(found.accuracy)
    yield words.say("roles.needs", without=without, whole=whole)
    if found.patched is not None:
        yield words.say("roles.turns", patched=percent(found.patched))


def _others(found: HeadRole, whole: Mapping[str, Share], words: Lessons) -> list[str]:
    """How often the questions of each other role are answered right, and without this head."""
    changes = []
    for role, share in found.ablated.items():
        if role != found.role and role in whole:
            before, after = percent(whole[role]), percent(share)
            change = after if before == after else f"{before.removesuffix(' %')} {ARROW} {after}"
            changes.append(f"{words.say(f'roles.{role}_name')} {change}")
    return changes


def _limit(name: str) -> dict[str, str]:
    """The limit of a proof that the sentence of what is missing names, if it names one."""
    limits = {"hits": HITS, "offset": OVER_OFFSET, "needed": NEEDED, "patched": PATCHED}
    return {"limit": f"{100 * limits[name]:.0f}"} if name in limits else {}
