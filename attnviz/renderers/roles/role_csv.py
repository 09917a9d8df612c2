"""The roles of a model's heads as CSV for scripts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from attnviz.trace.asking import ROLES
from attnviz.trace.roles import HeadRole, Roles, Share

FACTS = ("role", "verdict", "layer", "head", "offset")
SHARES = ("hits", "offset_hits", "word_before", "accuracy", *(f"ablated_{role}" for role in ROLES), "others", "patched")
COLUMNS = (*FACTS, *(f"{name}{end}" for name in SHARES for end in ("", "_low", "_high")), "missing")


def to_csv(found: Roles) -> str:
    """A row for each role, each share with the ends of its interval; what could not be measured is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in found.roles:
        verdict = "" if one.verdict is None else one.verdict.value
        facts = (one.role, verdict, one.layer, one.head, one.offset[0])
        writer.writerow([*facts, *(cell for share in _shares(one) for cell in _cells(share)), " ".join(one.missing)])
    return text.getvalue()


def _shares(found: HeadRole) -> Iterator[Share | None]:
    """In the order of ``SHARES``."""
    yield from (found.hits, found.offset[1], found.word_before, found.accuracy)
    yield from (found.ablated.get(role) for role in ROLES)
    yield from (found.others, found.patched)


def _cells(share: Share | None) -> list[str]:
    return [""] * 3 if share is None else [repr(number) for number in (share.value, *share.interval)]
