"""What the roles of a tiny model's heads are worth: python tests/support/tiny_report.py [FILE] [--cases N]"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

import numpy

from attnviz.sources.tiny.answers import Answers
from attnviz.sources.tiny.grammar import ROLES, Grammar
from attnviz.sources.tiny.model import TinyModel
from attnviz.sources.tiny.weights import SHIPPED, read_weights


def measured(model, cases=1000, seed=0, unseen=False, made_up=0.3, before=0):
    answers, hits, offsets = {}, {}, {}
    for role in ROLES:
        drawn = Grammar(f"cases {role} {seed}", made_up, unseen).cases(role, cases, before)
        answers[role] = Answers(model, drawn)
        true = numpy.array([case.true for case in drawn])
        hits[role] = answers[role].looks() == true
        distances = Counter(len(case.tokens) - 1 - case.true for case in drawn)
        offsets[role] = max(distances.values()) / len(drawn)
    total = sum(sum(len(case.tokens) for case in one.cases) for one in answers.values())
    means = sum(one.means() * sum(len(case.tokens) for case in one.cases) for one in answers.values()) / total
    counted = {
        role: numpy.array([case.hard and case.answerable for case in one.cases]) for role, one in answers.items()
    }
    whole = {role: one.right() for role, one in answers.items()}
    ablated = {role: one.ablated(means) for role, one in answers.items()}
    flipped = {role: one.flipped() for role, one in answers.items()}
    share = lambda values, role: 100 * values[..., counted[role]].mean(-1)  # noqa: E731
    return {
        "hits": {role: 100 * hits[role].mean(-1) for role in ROLES},
        "offset": {role: 100 * offsets[role] for role in ROLES},
        "whole": {role: share(whole[role], role) for role in ROLES},
        "ablated": {role: share(ablated[role], role) for role in ROLES},
        "flipped": {role: share(flipped[role], role) for role in ROLES},
    }


def table(found):
    lines = []
    layers, heads = found["hits"]["syntax"].shape
    for role in ROLES:
        lines.append(f"{role}: whole {found['whole'][role]:.1f}, best offset {found['offset'][role]:.1f}")
        for layer in range(layers):
            for head in range(heads):
                hit, flip = found["hits"][role][layer, head], found["flipped"][role][layer, head]
                lost = found["whole"][role] - found["ablated"][role][layer, head]
                if hit > 60 or lost > 3:
                    others = "  ".join(
                        f"{other} −{found['whole'][other] - found['ablated'][other][layer, head]:.1f}"
                        for other in ROLES
                        if other != role
                    )
                    lines.append(
                        f"   {layer}.{head}  hits {hit:5.1f}  loses {lost:5.1f}  flips {flip:5.1f}   others: {others}"
                    )
    return "\n".join(lines)


def main(arguments):
    path = Path(arguments[0]) if arguments else SHIPPED
    model = TinyModel(read_weights(path))
    began = time.monotonic()
    print(table(measured(model)))
    print(f"{time.monotonic() - began:.1f} s")
    print(table(measured(model, seed=1, cases=300, unseen=True, made_up=0.6, before=3)))


if __name__ == "__main__":
    main(sys.argv[1:])
