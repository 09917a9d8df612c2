"""A model that is made up: a table says which head looks where, what is lost without it, and what turns with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy

from attnviz.trace.asking import ROLES, Case, Questions
from attnviz.trace.roles import HeadRole, Helper, Roles, Share, Verdict

CASES = 20  # of each role
CHANCE = 0.5


class Does(NamedTuple):
    """What a head does at the questions of a role: in which share of them it looks at the true word, how many are
    answered right without it, and how many turn with it."""

    looks: float = 0.0
    without: float = 1.0
    turns: float = 0.0


NOTHING = Does()
PROVES = Does(1.0, CHANCE, 1.0)
Table = Mapping[tuple[int, int], Mapping[str, Does]]
EACH_ITS_OWN: Table = {divmod(place, 2): {role: PROVES} for place, role in enumerate(ROLES)}


def some(share: float, count: int) -> numpy.ndarray:
    """So many of ``count`` that are true."""
    return numpy.arange(count) < round(share * count)


class MadeAsked:
    """The model's answers to the cases of one role."""

    def __init__(self, model: MadeAnswering, cases: list[Case]) -> None:
        self.model, self.cases, self.role = model, cases, cases[0].role

    def does(self, head: tuple[int, int]) -> Does:
        return self.model.table.get(head, {}).get(self.role, NOTHING)

    def every(self, of_head) -> numpy.ndarray:
        layers, heads = self.model.shape
        return numpy.array([[of_head((layer, head)) for head in range(heads)] for layer in range(layers)])

    def counted(self) -> numpy.ndarray:
        return numpy.full(len(self.cases), self.role not in self.model.unsaid)

    def looks(self) -> numpy.ndarray:
        return self.every(lambda head: some(self.does(head).looks, len(self.cases)))

    def distances(self) -> numpy.ndarray:
        nearest = numpy.array([len(case.tokens) - 1 - case.true for case in self.cases])
        return numpy.stack([nearest, nearest + self.model.pieces - 1], axis=1)

    def word_before(self) -> numpy.ndarray:
        return self.every(lambda head: round(self.does(head).looks * self.queries()))

    def queries(self) -> int:
        return sum(len(case.tokens) - 1 for case in self.cases)

    def right(self) -> numpy.ndarray:
        return some(self.model.right, len(self.cases))

    def outputs(self) -> tuple[numpy.ndarray, int]:
        return self.every(lambda head: [head[0] + len(self.cases), head[1]]) * len(self.cases), len(self.cases)

    def candidates(self, means) -> list[tuple[int, int]]:
        assert means.shape == (*self.model.shape, 2)
        return self.model.candidates

    def ablated(self, means, heads) -> numpy.ndarray:
        assert (means[..., 0] == numpy.arange(self.model.shape[0])[:, None] + len(self.cases)).all()
        return numpy.array([some(self.does(head).without, len(self.cases)) for head in heads])

    def flipped(self, heads) -> numpy.ndarray:
        return numpy.array([some(self.does(head).turns, len(self.cases)) for head in heads])

    def rows(self, head) -> list[numpy.ndarray]:
        return [numpy.eye(len(case.tokens))[case.true if self.does(head).looks else 0] for case in self.cases]


class MadeAnswering:
    """A model of 2 × 2 heads that does what ``table`` says.

    unsaid      roles whose answers it cannot say
    candidates  the heads that are worth taking away: all, unless they are named
    pieces      how many tokens the true word is
    """

    name = "made"

    def __init__(
        self,
        table: Table,
        *,
        predicts: bool = True,
        right: float = 1.0,
        unsaid: tuple[str, ...] = (),
        candidates=(),
        pieces: int = 1,
    ) -> None:
        self.table, self.predicts, self.right, self.unsaid = table, predicts, right, unsaid
        self.pieces = pieces
        self.shape = (2, 2)
        self.candidates = list(candidates) or list(numpy.ndindex(self.shape))

    def ask(self, cases: list[Case]) -> MadeAsked:
        return MadeAsked(self, cases)


def made_case(role: str, distance: int = 2) -> Case:
    tokens = ("a", "b", "c", "d", "e")
    return Case(role, tokens, "yes", len(tokens) - 1 - distance, ("a", "b", "x", "d", "e"), "no", True)


def made_questions(count: int = CASES) -> Questions:
    """The true word of a position is the one before; of the other roles it stands one to four words back, as often each."""
    cases = {
        role: [made_case(role, 1 if role == "position" else 1 + place % 4) for place in range(count)] for role in ROLES
    }
    return Questions(cases, {role: cases[role][0] for role in ROLES}, 7)


def share(value: float) -> Share:
    return Share(value, (max(value - 0.01, 0.0), min(value + 0.01, 1.0)))


def made_role(role: str = "syntax", **changes) -> HeadRole:
    """A role that is proved, but for what ``changes`` say."""
    whole = dict.fromkeys(ROLES, share(1.0))
    usual = {
        "verdict": Verdict.PROVED,
        "layer": 1,
        "head": 0,
        "hits": share(0.99),
        "offset": (2, share(0.36)),
        "accuracy": share(0.998),
        "ablated": whole | {role: share(0.5)},
        "others": share(0.97),
        "patched": share(0.95),
        "helpers": (Helper(0, 1, share(0.625)),),
    }
    return HeadRole(role, **(usual | changes))


def made_roles(*found: HeadRole, **changes) -> Roles:
    usual = {"model": "made", "cases": 1000, "seed": 0, "tried": 4, "heads": 4}
    return Roles(**(usual | changes), roles=found or tuple(map(made_role, ROLES)))
