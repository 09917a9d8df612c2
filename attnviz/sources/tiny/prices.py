"""What training asks of the heads beside the right words, so that each takes one kind of work.

None of these says where a head should look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attnviz.sources.tiny.grammar import ROLES
from attnviz.sources.tiny.network import Watched
from attnviz.sources.tiny.pool import KIND_IDS

HALF = 0.2  # the norm at which a head counts as half busy
SMALL = 1e-6  # so that a root has a slope at 0

# Kinds of sentence that one head may serve, in each layer: copying is built upon the word before, as position is.
APART = ((("position", "copying"), ("syntax",), ("meaning",)), tuple((role,) for role in ROLES))
ONE_HEAD = (
    "position",
    "meaning",
)  # kinds for which one head is enough; the others take one in each layer, built on each other

Measure = Callable[[Tensor, Tensor], Tensor]  # norms, and which tokens count, (batch, 1, tokens) → (heads,)


@dataclass(frozen=True)
class Prices:
    """How much each costs.

    norm     the mean norm of what a head adds to the text, summed over heads
    entropy  the mean entropy of a head's weights, in nats
    loud     sharing, by how loud the heads are that share
    busy     sharing, by whether they do anything at all
    begin    the step from which norm, entropy and loud count: by then the model answers right
    later    the step from which these count in full, and busy begins to
    full     the step from which busy counts in full
    """

    norm: float = 0.01
    entropy: float = 0.3
    loud: float = 1.0
    busy: float = 0.25
    begin: int = 500
    later: int = 2000
    full: int = 3500

    def of(self, step: int, watched: Sequence[Watched], kinds: Tensor) -> Tensor:
        """The sum of all prices; ``kinds`` (batch, tokens) says in which kind of sentence each token is."""
        if step < self.begin:
            return torch.zeros(())
        norm = torch.stack([one.norms.mean((0, 2)).sum() for one in watched]).sum()
        entropy = torch.stack([one.entropy.mean() for one in watched]).mean()
        early = self.norm * norm + self.entropy * entropy + self.loud * shared(watched, kinds, loudness)
        price = _rising(step, self.begin, self.later) * early
        if step > self.later:
            price = price + _rising(step, self.later, self.full) * self.busy * shared(watched, kinds, busyness)
        return price


def _rising(step: int, begin: int, full: int) -> float:
    """0 at ``begin``, 1 from ``full`` on, slowly at first: a heavy price all at once breaks what was learned."""
    return min(1.0, (step - begin) / (full - begin)) ** 2


def shared(watched: Sequence[Watched], kinds: Tensor, measure: Measure) -> Tensor:
    """How much the heads' work is shared: a product for each pair that should not be, summed.

    A head with two kinds of sentence to serve, and a kind of sentence with two heads of a layer to serve it (where one is
    enough: of any layers). It says which heads may be busy with the same, never where one should look.
    """
    total = torch.zeros(())
    for one, groups in zip(watched, APART, strict=True):
        total = total + _pairs(torch.stack([measure(one.norms, _inside(kinds, group)) for group in groups]))
    for role in ROLES:
        heads = [measure(one.norms, _inside(kinds, (role,))) for one in watched]
        for together in [torch.cat(heads)] if role in ONE_HEAD else heads:
            total = total + _pairs(together[:, None])
    return total


def loudness(norms: Tensor, inside: Tensor) -> Tensor:
    """The mean norm of what each head adds."""
    return (norms * inside).sum((0, 2)) / inside.sum().clamp_min(1.0)


def busyness(norms: Tensor, inside: Tensor) -> Tensor:
    """From 0 to 1: n / (n + HALF), n the root of a head's mean square norm, so that soft work costs nearly what loud does."""
    loud = (loudness(norms.square(), inside) + SMALL).sqrt()
    return loud / (loud + HALF)


def _pairs(rows: Tensor) -> Tensor:
    """The products of all pairs of rows, (rows, columns), summed: ((Σ n)² − Σ n²) / 2."""
    return (rows.sum(0).square() - rows.square().sum(0)).sum() / 2


def _inside(kinds: Tensor, group: Sequence[str]) -> Tensor:
    """Which tokens are in sentences of these kinds, (batch, 1, tokens)."""
    members = kinds.new_tensor([KIND_IDS[kind] for kind in group])
    return torch.isin(kinds, members)[:, None].float()
