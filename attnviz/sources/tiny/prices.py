"""What training asks of the heads beside the right words, so that each takes one kind of work.

None of these says where a head should look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attnviz.sources.tiny.network import Watched
from attnviz.sources.tiny.pool import KIND_IDS
from attnviz.trace.roles import ROLES

HALF = 0.1  # the norm at which a head counts as half busy
SMALL = 1e-6  # so that a root has a slope at 0

# Kinds of sentence that one head may serve, in each layer: copying is built upon the word before, as position is.
APART = ((("position", "copying"), ("syntax",), ("meaning",)), tuple((role,) for role in ROLES))
ONE_HEAD = (
    "position",
    "meaning",
)  # kinds for which one head is enough; the others take one in each layer, built on each other


@dataclass(frozen=True)
class Prices:
    """How much each costs.

    norm     the mean norm of what a head adds to the text, summed over heads
    entropy  the mean entropy of a head's weights, in nats
    overlap  what one head does for two kinds of sentence (``overlap``)
    company  what two heads do for one kind of sentence (``company``)
    begin    the step from which norm, entropy and overlap count: by then the model answers right
    later    the step from which these count in full, and company begins to: the heads are parted first
    full     the step from which company counts in full
    """

    norm: float = 0.01
    entropy: float = 0.3
    overlap: float = 1.0
    company: float = 0.2
    begin: int = 500
    later: int = 2000
    full: int = 3500

    def of(self, step: int, watched: Sequence[Watched], kinds: Tensor) -> Tensor:
        """The sum of all prices; ``kinds`` (batch, tokens) says in which kind of sentence each token is."""
        if step < self.begin:
            return torch.zeros(())
        norm = torch.stack([one.norms.mean((0, 2)).sum() for one in watched]).sum()
        entropy = torch.stack([one.entropy.mean() for one in watched]).mean()
        first = self.norm * norm + self.entropy * entropy + self.overlap * overlap(watched, kinds)
        early, late = _rising(step, self.begin, self.later), _rising(step, self.later, self.full)
        return early * first + late * self.company * company(watched, kinds)


def _rising(step: int, begin: int, full: int) -> float:
    """0 up to ``begin``, 1 from ``full`` on, slowly at first: a heavy price all at once breaks what was learned."""
    return min(1.0, max(0.0, (step - begin) / (full - begin))) ** 2


def overlap(watched: Sequence[Watched], kinds: Tensor) -> Tensor:
    """For each head the product of its mean norms over two kinds of sentence, summed over pairs of kinds and heads."""
    total = torch.zeros(())
    for one, groups in zip(watched, APART, strict=True):
        total = total + _pairs(torch.stack([_mean(one.norms, kinds, group) for group in groups]))  # (groups, heads)
    return total


def company(watched: Sequence[Watched], kinds: Tensor) -> Tensor:
    """For each kind of sentence the product of how busy two heads are with it, summed over pairs of heads and kinds.

    Heads of a layer make pairs; those of all layers do where one head is enough.
    """
    total = torch.zeros(())
    for role in ROLES:
        heads = [_busy(one.norms, kinds, role) for one in watched]
        for together in [torch.cat(heads)] if role in ONE_HEAD else heads:
            total = total + _pairs(together[:, None])
    return total


def _pairs(rows: Tensor) -> Tensor:
    """The products of all pairs of rows, (rows, columns), summed: ((Σ n)² − Σ n²) / 2."""
    return (rows.sum(0).square() - rows.square().sum(0)).sum() / 2


def _mean(numbers: Tensor, kinds: Tensor, group: Sequence[str]) -> Tensor:
    """(batch, heads, tokens) → (heads,): over the tokens in sentences of these kinds."""
    members = kinds.new_tensor([KIND_IDS[kind] for kind in group])
    inside = torch.isin(kinds, members)[:, None].to(numbers.dtype)  # (batch, 1, tokens)
    return (numbers * inside).sum((0, 2)) / inside.sum().clamp_min(1.0)


def _busy(norms: Tensor, kinds: Tensor, kind: str) -> Tensor:
    """(batch, heads, tokens) → (heads,): how busy each head is in sentences of this kind, from 0 to 1.

    n / (n + HALF), n the root of its mean square norm: so that two soft heads cost more than one that is loud.
    """
    loud = (_mean(norms.square(), kinds, (kind,)) + SMALL).sqrt()
    return loud / (loud + HALF)
