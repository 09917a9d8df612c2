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

# Kinds of sentence that one head may serve, in each layer: copying is built upon the word before, as position is.
APART = ((("position", "copying"), ("syntax",), ("meaning",)), tuple((role,) for role in ROLES))


@dataclass(frozen=True)
class Prices:
    """How much each costs.

    norm     the mean norm of what a head adds, summed over heads
    entropy  the mean entropy of a head's weights, in nats
    overlap  the product of a head's mean norms over two kinds of sentence, summed over pairs and heads
    company  the product of the mean norms of two heads over one kind of sentence, summed over pairs and kinds
    begin    the step from which they count: by then the model answers right
    full     the step from which they count in full
    """

    norm: float = 0.01
    entropy: float = 0.3
    overlap: float = 1.0
    company: float = 1.0
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
        means = torch.stack([_mean_norm(one.norms, kinds, group) for group in groups])  # (groups, heads)
        total = total + _all_pairs(means).sum()
    return total


def company(watched: Sequence[Watched], kinds: Tensor) -> Tensor:
    """For each kind of sentence the product of the mean norms of two heads of a layer, summed over pairs, layers and kinds."""
    means = [torch.stack([_mean_norm(one.norms, kinds, (role,)) for role in ROLES], 1) for one in watched]
    return torch.stack([_all_pairs(of_layer).sum() for of_layer in means]).sum()  # each (heads, kinds)


def _all_pairs(means: Tensor) -> Tensor:
    """The sum of the products of all pairs of rows, each row by row: ((Σ n)² − Σ n²) / 2."""
    return (means.sum(0).square() - means.square().sum(0)) / 2


def _mean_norm(norms: Tensor, kinds: Tensor, group: Sequence[str]) -> Tensor:
    """(batch, heads, tokens) → (heads,): over the tokens in sentences of these kinds."""
    members = kinds.new_tensor([KIND_IDS[kind] for kind in group])
    inside = torch.isin(kinds, members)[:, None].to(norms.dtype)  # (batch, 1, tokens)
    return (norms * inside).sum((0, 2)) / inside.sum().clamp_min(1.0)
