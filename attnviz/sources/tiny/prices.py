"""What training asks of the heads beside the right words, so that each takes one kind of work.

None of these says where a head should look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor

from attnviz.sources.tiny.grammar import DEED_KIND, PLAIN_KIND
from attnviz.sources.tiny.network import Watched
from attnviz.sources.tiny.pool import KIND_IDS

# The kinds of sentence that have a head of their own in a layer. Copying is built upon the word before, as position is, and
# takes a head in each layer. Syntax takes one in the second, built on whichever are left in the first. For meaning one head is
# enough: it is in the layer where it is needed most.
APART = ((("position", "copying"),), (("syntax", DEED_KIND), ("copying",)))
LEFT = (("syntax", DEED_KIND), ())
ANYWHERE = ("meaning",)
LEAST = 1e-6  # of a need: a kind that needs no head shares itself among all


@dataclass(frozen=True)
class Prices:
    """How much each costs, and when.

    second_hand  what a head passes on of that which heads before it had written, rather than of the words themselves
    norm         the mean norm of what a head adds to the text, summed over heads
    entropy      the mean entropy of a head's weights, in nats
    strangers    the norm of what a head adds in sentences of a kind for which another head is set apart
    full         the share of the parting after which they count in full: a heavy price all at once breaks what was learned
    """

    second_hand: float = 0.1
    norm: float = 0.01
    entropy: float = 0.3
    strangers: float = 0.5
    full: float = 0.5

    def of(self, watched: Sequence[Watched], allowed: Sequence[Tensor] | None, parting: float) -> Tensor:
        """The sum of all prices.

        ``allowed`` holds for each layer which heads may be busy at each token, (batch, heads, tokens), once they are set
        apart; until then only the first price counts. ``parting`` is the share of the parting that is done.
        """
        second = torch.stack([one.second_hand.mean((0, 2)).sum() for one in watched]).sum()
        if allowed is None:
            return self.second_hand * second
        norm = torch.stack([one.norms.mean((0, 2)).sum() for one in watched]).sum()
        entropy = torch.stack([one.entropy.mean() for one in watched]).mean()
        strange = torch.stack(
            [(one.norms * ~may).mean((0, 2)).sum() for one, may in zip(watched, allowed, strict=True)]
        ).sum()
        rising = min(1.0, parting / self.full) ** 2
        return self.second_hand * second + rising * (
            self.norm * norm + self.entropy * entropy + self.strangers * strange
        )


def set_apart(needs: Sequence[Tensor]) -> list[Tensor]:
    """Which heads of each layer may be busy with which kind of sentence, (kinds, heads), True or False.

    ``needs`` says of each layer how much each kind needs each head, (kinds, heads). No head serves two groups of kinds, and
    each group has the head that it needs most, as far as all of a layer can. In plain sentences all may be busy.
    """
    home = max(range(len(needs)), key=lambda layer: float(_needed(needs[layer], ANYWHERE).max()))
    allowed = []
    for layer, need in enumerate(needs):
        groups = [*APART[layer], *([ANYWHERE] if layer == home else [])]
        shares = torch.stack([_needed(need, group) / _needed(need, group).sum() for group in groups])
        orders = permutations(range(need.shape[1]), len(groups))
        heads = max(orders, key=lambda order: float(shares[range(len(groups)), order].sum()))
        may = torch.zeros(need.shape, dtype=torch.bool)
        may[KIND_IDS[PLAIN_KIND]] = True
        for group, head in zip(groups, heads, strict=True):
            may[[KIND_IDS[kind] for kind in group], head] = True
        left = [head for head in range(need.shape[1]) if head not in heads]
        for kind in LEFT[layer]:
            may[KIND_IDS[kind], left] = True
        allowed.append(may)
    return allowed


def left_alone(needs: Sequence[Tensor]) -> list[Tensor]:
    """The same where no head is set apart: every head may be busy with every kind."""
    return [torch.ones_like(one, dtype=torch.bool) for one in needs]


def _needed(need: Tensor, group: Sequence[str]) -> Tensor:
    """How much a group of kinds needs each head, (heads,): less than nothing is nothing."""
    return need[[KIND_IDS[kind] for kind in group]].clamp_min(LEAST).sum(0)
