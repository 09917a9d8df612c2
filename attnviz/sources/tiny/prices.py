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
    begin    the step from which they count: by then the model answers right
    full     the step from which they count in full
    """

    norm: float = 0.01
    entropy: float = 0.3
    overlap: float = 1.0
    begin: int = 500
    full: int = 1500

    def of(self, step: int, watched: Sequence[Watched], kinds: Tensor) -> Tensor:
        """The sum of all prices; ``kinds`` (batch, tokens) says in which kind of sentence each token is."""
        share = min(1.0, max(0.0, (step - self.begin) / (self.full - self.begin)))
        if not share:
            return torch.zeros(())
        norm = torch.stack([one.norms.mean((0, 2)).sum() for one in watched]).sum()
        entropy = torch.stack([one.entropy.mean() for one in watched]).mean()
        return share * (self.norm * norm + self.entropy * entropy + self.overlap * overlap(watched, kinds))


def overlap(watched: Sequence[Watched], kinds: Tensor) -> Tensor:
    """For each head the product of its mean norms over two kinds of sentence, summed over pairs of kinds and heads."""
    total = torch.zeros(())
    for one, groups in zip(watched, APART, strict=True):
        means = torch.stack([_mean_norm(one.norms, kinds, group) for group in groups])  # (groups, heads)
        total = total + (means.sum(0).square() - means.square().sum(0)).sum() / 2  # all pairs: ((Σ n)² − Σ n²) / 2
    return total


def _mean_norm(norms: Tensor, kinds: Tensor, group: Sequence[str]) -> Tensor:
    """(batch, heads, tokens) → (heads,): over the tokens in sentences of these kinds."""
    inside = sum((kinds == KIND_IDS[kind]) for kind in group)[:, None].to(norms.dtype)  # (batch, 1, tokens)
    return (norms * inside).sum((0, 2)) / inside.sum().clamp_min(1.0)
