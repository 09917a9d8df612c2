"""Which head has which role, and the evidence: where it looks, what is lost without it, and what turns with it.

Ablation by the mean: Wang et al. 2022 (2211.00593), section 3.2. Patching from a minimal pair: Vig et al. 2020
(2004.12265), there called an indirect effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy

from attnviz.analysis.intervals import share_of
from attnviz.analysis.verdict import APART, FIXED, fit, missing, points, verdict
from attnviz.attention.arrays import Array
from attnviz.progress import Progress, no_progress
from attnviz.trace.asking import Answering, Asked, Case, Head, Questions
from attnviz.trace.roles import Example, HeadRole, Helper, Roles, Share


def find_roles(model: Answering, questions: Questions, progress: Progress = no_progress) -> Roles:
    """Ask ``model`` the questions of each role, and weigh what comes back.

    ``progress`` is told how many of the steps are done. AttnvizError where the model cannot read the cases.
    """
    roles = tuple(questions.cases)
    steps = 2 * len(roles)
    asked: dict[str, Asked] = {}
    for role, cases in questions.cases.items():
        progress(len(asked), steps)
        asked[role] = model.ask(cases)
    tried: dict[str, Sequence[Head]] = {}
    found: list[HeadRole] = []
    evidence = Evidence(model, asked) if model.predicts else None
    for role in roles:
        progress(len(roles) + len(found), steps)
        one = _by_looks(role, asked) if evidence is None else evidence.of(role)
        tried[role] = () if evidence is None else evidence.tried[role]
        example = questions.examples.get(role)
        found.append(one if example is None else replace(one, example=_example(model, example, (one.layer, one.head))))
    layers, heads = model.shape
    count = len(next(iter(questions.cases.values())))
    return Roles(model.name, count, questions.seed, max(map(len, tried.values())), layers * heads, tuple(found))


def _by_looks(role: str, asked: Mapping[str, Asked]) -> HeadRole:
    """The head that hits most: all that is known of a model that predicts nothing."""
    hits = asked[role].looks().mean(-1)
    layer, head = numpy.unravel_index(hits.argmax(), hits.shape)
    return _looking(role, asked, (int(layer), int(head)))


def _looking(role: str, asked: Mapping[str, Asked], head: Head) -> HeadRole:
    """Where ``head`` looks at the questions of ``role``; of a role that is a fixed offset, at any word of all cases, too."""
    looks, distances = asked[role].looks()[head], asked[role].distances()
    offset, count = Counter(
        distance for nearest, farthest in distances.tolist() for distance in range(nearest, farthest + 1)
    ).most_common(1)[0]  # any token of the true word is a hit, of a fixed offset as of a head
    queries = sum(one.queries() for one in asked.values())
    before = sum(int(one.word_before()[head]) for one in asked.values()) if role in FIXED else 0
    return HeadRole(
        role,
        None,
        *head,
        hits=share_of(float(looks.mean()), len(looks)),
        offset=(int(offset), share_of(count / len(distances), len(distances))),
        word_before=share_of(before / queries, queries) if role in FIXED else None,
    )


@dataclass
class Evidence:
    """What is taken away and exchanged in a model that predicts.

    counted  whether a case counts where answers are, of each role
    whole    how often the whole model answers right, where any case of a role counts
    means    each head's mean output over all tokens of all cases, (layers, heads, d_v)
    tried    the heads that were taken away, of each role
    """

    model: Answering
    asked: Mapping[str, Asked]

    def __post_init__(self) -> None:
        self.counted = {role: asked.counted() for role, asked in self.asked.items()}
        shares = {role: self._share(role, asked.right()) for role, asked in self.asked.items()}
        self.whole = {role: share for role, share in shares.items() if share is not None}
        self.means = _means(self.asked.values())
        self.tried: dict[str, Sequence[Head]] = {}

    def of(self, role: str) -> HeadRole:
        """The head that fits ``role`` best, with all that speaks for and against it."""
        self.tried[role] = ()
        if role not in self.whole:  # the model can say none of the answers
            return _by_looks(role, self.asked)
        asked = self.asked[role]
        self.tried[role] = heads = list(asked.candidates(self.means))
        right = asked.ablated(self.means, heads)  # (tried, cases)
        ablated = right[:, self.counted[role]].mean(-1)
        lost = [points(self.whole[role].value - value) for value in ablated.tolist()]
        hits = asked.looks().mean(-1)
        best = max(range(len(heads)), key=lambda place: fit(float(hits[heads[place]]), lost[place]))
        found = replace(
            _looking(role, self.asked, heads[best]),
            accuracy=self.whole[role],
            ablated={
                other: share
                for other in self.asked
                if (share := self._share(other, right[best] if other == role else self._without(heads[best], other)))
            },
            others=self._counted(role, float(numpy.delete(ablated, best).mean())) if len(heads) > 1 else None,
            patched=self._share(role, asked.flipped([heads[best]])[0]),
            helpers=tuple(
                Helper(heads[place][0], heads[place][1], self._counted(role, float(ablated[place])))
                for place in sorted(range(len(heads)), key=lambda place: -lost[place])
                if place != best and lost[place] > APART
            ),
        )
        return replace(found, verdict=verdict(found, self.whole), missing=tuple(missing(found, self.whole)))

    def _without(self, head: Head, role: str) -> numpy.ndarray:
        """Whether the questions of ``role`` are answered right without ``head``, (cases,)."""
        right: numpy.ndarray = self.asked[role].ablated(self.means, [head])[0]
        return right

    def _share(self, role: str, right: numpy.ndarray) -> Share | None:
        """How many of the cases that count are ``right``; None where none counts."""
        counted = right[self.counted[role]]
        return self._counted(role, float(counted.mean())) if len(counted) else None

    def _counted(self, role: str, value: float) -> Share:
        return share_of(value, int(self.counted[role].sum()))


def _means(asked: Iterable[Asked]) -> Array:
    """Each head's mean output over all tokens of all cases, (layers, heads, d_v)."""
    sums, tokens = zip(*(one.outputs() for one in asked), strict=True)
    return sum(sums) / sum(tokens)


def _example(model: Answering, case: Case, head: Head) -> Example:
    row = model.ask([case]).rows(head)[0]
    return Example(case.tokens, case.true, case.answer, tuple(row.tolist()))
