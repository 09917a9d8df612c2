"""What training asks of the heads beside the right words, so that each takes one kind of work.

None of these says where a head should look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attnviz.sources.tiny.grammar import ROLES
from attnviz.sources.tiny.network import Watched
from attnviz.sources.tiny.pool import KIND_IDS

HALF = 0.1  # the norm at which a head counts as half busy
SMALL = 1e-6  # so that a root has a slope at 0
# Kinds of sentence that one head may serve, in each layer: copying is built upon the word before, as position is.
APART = ((("position", "copying"), ("syntax",), ("meaning",)), tuple((role,) for role in ROLES))
ONE_HEAD = ("position", "meaning")  # kinds for which one head is enough; the others take one in each layer, built on each other


@dataclass(frozen=True)
class Prices:
    """How much each costs.

    norm     the mean norm of what a head adds to the text, summed over heads
    entropy  the mean entropy of a head's weights, in nats
    overlap  the product of a head's mean norms over two kinds of sentence, summed over pairs of kinds and heads
    company  how much the work of a kind of sentence is shared by heads: 0 where one does it all, 1/2 where two do half each
    begin    the step from which they count: by then the model answers right
    full     the step from which they count in full
    """

    norm: float = 0.01
    entropy: float = 0.3
    overlap: float = 0.1
    company: float = 0.1
    begin: int = 500
    full: int = 2500

    def of(self, step: int, watched: Sequence[Watched], kinds: Tensor) -> Tensor:
        """The sum of all prices; ``kinds`` (batch, tokens) says in which kind of sentence each token is."""
        share = min(1.0, max(0.0, (step - self.begin) / (self.full - self.begin))) ** 2
        if not share:
            return torch.zeros(())
        norm = torch.stack([one.norms.mean((0, 2)).sum() for one in watched]).sum()
        entropy = torch.stack([one.entropy.mean() for one in watched]).mean()
        apart = self.overlap * overlap(watched, kinds) + self.company * company(watched, kinds)
        return share * (self.norm * norm + self.entropy * entropy + apart)


def overlap(watched: Sequence[Watched], kinds: Tensor) -> Tensor:
    """For each head the product of its mean norms over two kinds of sentence, summed over pairs of kinds and heads."""
    total = torch.zeros(())
    for one, groups in zip(watched, APART, strict=True):
        means = torch.stack([_work(one.norms, kinds, group) for group in groups])  # (groups, heads)
        total = total + (means.sum(0).square() - means.square().sum(0)).sum() / 2  # all pairs: ((Σ n)² − Σ n²) / 2
    return total


def company(watched: Sequence[Watched], kinds: Tensor) -> Tensor:
    """For each kind of sentence 1 − Σ p², where p are its heads' shares of the work (Simpson 1949), summed over kinds.

    Heads of all layers share a kind for which one is enough; else those of each layer do.
    """
    total = torch.zeros(())
    for role in ROLES:
        means = [_work(one.norms, kinds, (role,)) for one in watched]
        for heads in [torch.cat(means)] if role in ONE_HEAD else means:
            total = total + (heads.sum().square() - heads.square().sum()) / 2
    return total


def _work(norms: Tensor, kinds: Tensor, group: Sequence[str]) -> Tensor:
    """(batch, heads, tokens) → (heads,): how busy each head is in sentences of these kinds, from 0 to 1.

    n / (n + HALF), n the root of its mean square norm there: so a loud head costs hardly more than a soft one, and two soft
    ones more than one that is loud.
    """
    members = kinds.new_tensor([KIND_IDS[kind] for kind in group])
    inside = torch.isin(kinds, members)[:, None].to(norms.dtype)  # (batch, 1, tokens)
    square = (norms.square() * inside).sum((0, 2)) / inside.sum().clamp_min(1.0)
    loud = (square + SMALL).sqrt()
    return loud / (loud + HALF)
