"""What is found out of the role of a head: the evidence for and against it, and how that is kept as JSON."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from attnviz.choices import Language
from attnviz.trace.asking import ROLES
from attnviz.trace.public import public


class Verdict(StrEnum):
    """What the evidence says of the head that fits a role best; the limits are in analysis/verdict.py."""

    PROVED = "proved"
    NOT_NEEDED = "not needed"
    LOOKS_ELSEWHERE = "looks elsewhere"
    PARTLY = "partly"
    NONE = "none"


WORN = (Verdict.PROVED, Verdict.PARTLY)  # with which a head wears its role's name


class Share(NamedTuple):
    """A share of cases, and the 95 % interval in which it lies (Wilson 1927)."""

    value: float
    interval: tuple[float, float]


class Helper(NamedTuple):
    """Another head without which the role's questions are answered worse, and how well they still are."""

    layer: int
    head: int
    accuracy: Share


class Example(NamedTuple):
    """A sentence of the role, and where its head looks at the end of it.

    true     the position of the word that decides what comes next
    answer   the word that comes next
    weights  of the head at the last token, one for each
    """

    tokens: tuple[str, ...]
    true: int
    answer: str
    weights: tuple[float, ...]


@dataclass(frozen=True)
class HeadRole:
    """The head that fits a role best, and all that keeps one from fooling oneself about it.

    hits         how often its largest weight is on the true word
    offset       the best fixed distance back, and how often the true word stands there
    word_before  how often its largest weight, at any token of any case, is on the token before (position alone)
    accuracy     how often the model answers right
    ablated      the same with this head's output replaced by its mean, for each role's questions
    others       the same, on its own questions, with another head replaced, on average
    patched      how often the answer becomes the minimal pair's with this head's output from there
    helpers      other heads without which these questions are answered worse
    missing      what keeps a verdict from being "proved": some of "hits", "offset", "needed", "apart", "patched"

    None and empty where it cannot be measured.
    """

    role: str
    verdict: Verdict | None
    layer: int
    head: int
    hits: Share
    offset: tuple[int, Share]
    word_before: Share | None = None
    accuracy: Share | None = None
    ablated: Mapping[str, Share] = field(default_factory=dict)
    others: Share | None = None
    patched: Share | None = None
    helpers: tuple[Helper, ...] = ()
    missing: tuple[str, ...] = ()
    example: Example | None = None


@dataclass(frozen=True)
class Roles:
    """What ``attnviz roles`` found.

    cases  of each role
    seed   of the cases
    tried  how many heads were taken away one by one, for each role
    heads  how many there are
    language  in which it prints
    """

    model: str
    cases: int
    seed: int
    tried: int
    heads: int
    roles: tuple[HeadRole, ...]
    language: Language = Language.EN

    def __str__(self) -> str:
        """The table, as ``attnviz roles`` prints it."""
        return public("attnviz.renderers.roles.role_table.to_text", self)  # type: ignore[no-any-return]

    def __rich__(self) -> Any:
        """The same in colour, on a Rich console."""
        return public("attnviz.renderers.roles.role_table.to_renderable", self)

    def to_json(self) -> str:
        """What ``attnviz roles --format json`` writes."""
        return public("attnviz.renderers.roles.role_json.to_json", self).decode()  # type: ignore[no-any-return]

    def to_csv(self) -> str:
        """What ``attnviz roles --format csv`` writes."""
        return public("attnviz.renderers.roles.role_csv.to_csv", self)  # type: ignore[no-any-return]

    def figure(self, path: str | os.PathLike[str] | None = None) -> Any:
        """The picture of ``attnviz roles``, a sentence of each role and where its head looks, as a figure of matplotlib; saved to
        ``path`` as .png, .svg or .pdf, if there is one.
        """
        return public("attnviz.renderers.roles.figure.to_figure", self, path)

    def _repr_html_(self) -> str:
        """The same in a notebook."""
        return public("attnviz.renderers.roles.role_html.to_html", self)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        verdicts = ", ".join(
            f"{one.role} {one.verdict.value if one.verdict else 'without a verdict'}" for one in self.roles
        )
        return f"Roles({self.model}, {self.cases:,} questions of each role: {verdicts}; print() shows it)"


def head_role_record(found: HeadRole) -> dict[str, Any]:
    """``found`` as JSON holds it: in the output of ``roles``, in saved traces, and beside the model in the package."""
    distance, share = found.offset
    record: dict[str, Any] = {"role": found.role}
    if found.verdict is not None:
        record["verdict"] = found.verdict.value
    record |= {"layer": found.layer, "head": found.head, **_shares("hits", found.hits)}
    record["offset"] = {"offset": distance, **_shares("hits", share)}
    for name in ("word_before", "accuracy"):
        record |= _shares(name, getattr(found, name))
    if found.ablated:
        record["ablated"] = {role: share.value for role, share in found.ablated.items()}
        record["ablated_interval"] = {role: list(share.interval) for role, share in found.ablated.items()}
    for name in ("others", "patched"):
        record |= _shares(name, getattr(found, name))
    record["helpers"] = [
        {"layer": helper.layer, "head": helper.head, **_shares("accuracy", helper.accuracy)} for helper in found.helpers
    ]
    record["missing"] = list(found.missing)
    if found.example is not None:
        record["example"] = found.example._asdict()
    return record


def read_head_role(record: Mapping[str, Any]) -> HeadRole:
    """What ``head_role_record`` wrote; trace/schema.py has looked at its fields. A share without its interval is left out."""

    def share(name: str) -> Share | None:
        return _share(record[name], record[f"{name}_interval"]) if {name, f"{name}_interval"} <= record.keys() else None

    offset, example = record["offset"], record.get("example")
    ablated, intervals = record.get("ablated", {}), record.get("ablated_interval", {})
    return HeadRole(
        role=record["role"],
        verdict=Verdict(record["verdict"]) if "verdict" in record else None,
        layer=record["layer"],
        head=record["head"],
        hits=_share(record["hits"], record["hits_interval"]),
        offset=(offset["offset"], _share(offset["hits"], offset["hits_interval"])),
        ablated={role: _share(ablated[role], intervals[role]) for role in ROLES if role in ablated.keys() & intervals},
        helpers=tuple(
            Helper(one["layer"], one["head"], _share(one["accuracy"], one["accuracy_interval"]))
            for one in record["helpers"]
        ),
        missing=tuple(record["missing"]),
        example=None
        if example is None
        else Example(tuple(example["tokens"]), example["true"], example["answer"], tuple(example["weights"])),
        **{name: share(name) for name in ("word_before", "accuracy", "others", "patched")},
    )


def _shares(name: str, share: Share | None) -> dict[str, Any]:
    return {} if share is None else {name: share.value, f"{name}_interval": list(share.interval)}


def _share(value: float, interval: Sequence[float]) -> Share:
    low, high = interval
    return Share(float(value), (float(low), float(high)))
