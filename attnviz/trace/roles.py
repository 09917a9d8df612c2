"""What a head's role is, the evidence for it, and what a model is asked to get that evidence.

A role is a question that a text asks of the words before it: which word was the last, who is a verb's subject, whom does
a pronoun mean, what followed the same word before. analysis/roles.py asks the questions; a model answers them through
the protocols here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import numpy

from attnviz.attention.arrays import Array
from attnviz.trace.public import public

ROLES = ("position", "syntax", "meaning", "copying")

Head = tuple[int, int]  # layer and head


class Verdict(StrEnum):
    """What the evidence says of the head that fits a role best; the limits are in analysis/roles.py."""

    PROVED = "proved"
    NOT_NEEDED = "not needed"
    LOOKS_ELSEWHERE = "looks elsewhere"
    PARTLY = "partly"
    NONE = "none"


WORN = (Verdict.PROVED, Verdict.PARTLY)  # with which a head wears its role's name


@dataclass(frozen=True)
class Case:
    """A text that ends where the next word is asked for.

    role          whose question it is: one of ``ROLES``
    tokens        the text up to the question, which is at its last token
    answer        the next word; a made-up one where nothing in the vocabulary is right
    true          the position of the word that decides it
    pair          the same text with another word there: the minimal pair
    other_answer  the next word then
    hard          whether a rival stands in the text that would mislead, so that chance is 50 % or less
    """

    role: str
    tokens: tuple[str, ...]
    answer: str
    true: int
    pair: tuple[str, ...]
    other_answer: str
    hard: bool

    def swapped(self) -> Case:
        """The minimal pair as the case."""
        return Case(self.role, self.pair, self.other_answer, self.true, self.tokens, self.answer, self.hard)


class Questions(NamedTuple):
    """The cases of each role, and one sentence of each that is shown."""

    cases: Mapping[str, Sequence[Case]]
    examples: Mapping[str, Case]
    seed: int


class Asked(Protocol):
    """A model that has read some cases. What it says of single heads is computed when it is asked."""

    def counted(self) -> numpy.ndarray:
        """Whether a case counts where answers are: a hard one, whose two answers the model can say, (cases,)."""

    def looks(self) -> numpy.ndarray:
        """Whether a head's largest weight at the question is on the true word, (layers, heads, cases)."""

    def distances(self) -> numpy.ndarray:
        """How many tokens before the question the true word ends and begins, (cases, 2): twice the same where it is one."""

    def word_before(self) -> numpy.ndarray:
        """At how many tokens a head's largest weight is on the one just before, (layers, heads)."""

    def queries(self) -> int:
        """How many tokens have one before them."""

    def right(self) -> numpy.ndarray:
        """Whether the model answers right, (cases,)."""

    def outputs(self) -> tuple[numpy.ndarray, int]:
        """The sums of each head's outputs before W_O over all tokens, (layers, heads, d_v), and how many tokens."""

    def candidates(self, means: Array) -> Sequence[Head]:
        """The heads worth taking away one by one: all of a small model, of a large one those that ``means`` promise most of."""

    def ablated(self, means: Array, heads: Sequence[Head]) -> numpy.ndarray:
        """``right`` where one head's output is its mean everywhere, for each of ``heads``, (heads, cases)."""

    def flipped(self, heads: Sequence[Head]) -> numpy.ndarray:
        """Whether the answer becomes the minimal pair's where one head's output at the question is that pair's, (heads, cases).
        An answer that is the pair's already becomes nothing."""

    def rows(self, head: Head) -> list[numpy.ndarray]:
        """A head's weights at each question, one for each of the case's words."""


class Answering(Protocol):
    """A model that can be asked.

    name      as a person calls it
    shape     layers, and heads in each
    predicts  whether it says which word comes next; an encoder does not, and then only where its heads look is known
    """

    name: str
    shape: tuple[int, int]
    predicts: bool

    def ask(self, cases: Sequence[Case]) -> Asked:
        """The model, after it read ``cases``."""


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
    """

    model: str
    cases: int
    seed: int
    tried: int
    heads: int
    roles: tuple[HeadRole, ...]

    def __str__(self) -> str:
        """The table, as ``attnviz roles`` prints it."""
        return public("attnviz.renderers.roles.role_table.to_text", self)  # type: ignore[no-any-return]

    def __rich__(self) -> Any:
        """The same in colour, on a Rich console."""
        return public("attnviz.renderers.roles.role_table.to_renderable", self)

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
