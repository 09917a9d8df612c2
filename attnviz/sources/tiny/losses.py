"""What one step of the tiny model's training looks at: how well it says the next words, and what its heads' work costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attnviz.sources.tiny.batch import Batch
from attnviz.sources.tiny.grammar import DEED_KIND
from attnviz.sources.tiny.network import Network
from attnviz.sources.tiny.plan import Plan
from attnviz.sources.tiny.pool import KIND_IDS, UNKNOWN
from attnviz.trace.asking import ROLES


@dataclass
class Losses:
    """What one step looked at.

    whole   what falls: the loss of all words, and all prices
    answers the loss of each role's answers, (roles,)
    right   the share of each role's answers that are right, (roles,)
    """

    whole: Tensor
    answers: Tensor
    right: Tensor


@dataclass(frozen=True)
class Parting:
    """The second part of the training.

    apart  of each layer, which heads may be busy with which kind of sentence, (kinds, heads) (prices.set_apart)
    done   the share of it that is done
    """

    apart: Sequence[Tensor]
    done: float

    def allowed(self, batch: Batch) -> list[Tensor]:
        """Of each layer, which heads may be busy at each token, (windows, heads, length)."""
        return [one[batch.kinds].transpose(1, 2) for one in self.apart]


def losses_of(network: Network, batch: Batch, plan: Plan, parting: Parting | None = None) -> Losses:
    """The cross-entropy of the next word, of answers and of all others, and what the heads' work costs.

    Each role's answers count the same, however many questions a sentence asks. In every other window heads pass on nothing of
    what heads before them had written. While the heads are parted, half of the windows hear only those that are set apart for
    each kind of sentence, so that these learn all of its work; the other half hears all of them, as a reader of the model does.
    """
    windows = torch.arange(len(batch.first))
    allowed = None if parting is None else parting.allowed(batch)
    heard = None if allowed is None else [one | (windows >= len(windows) // 2)[:, None, None] for one in allowed]
    first_hand = (windows % 2 == 0) & (not plan.left_alone)
    logits, watched = network(vectors_of(network, batch), batch.first, heard, first_hand=first_hand)
    each, done = losses_by_word(logits, batch), 0.0 if parting is None else parting.done
    answers = by_role(each, batch)
    deeds = plan.deeds * max(0.0, 1 - 2 * done) * mean_of(each, batch, DEED_KIND)
    others = plan.other_words * each[(batch.targets != UNKNOWN) & ~batch.asked].mean()
    right = by_role((logits.detach().argmax(-1) == batch.targets).float(), batch)
    whole = answers.mean() + deeds + others + plan.prices.of(watched, allowed, done)
    return Losses(whole, answers.detach(), right)


@torch.no_grad()
def needs(network: Network, batch: Batch) -> list[Tensor]:
    """How much each kind of sentence needs each head of each layer: the loss of its answers without it, less the whole
    model's, (kinds, heads) for each layer."""
    vectors, shape = vectors_of(network, batch), network.shape

    def losses(heard: Sequence[Tensor] | None) -> Tensor:
        each = losses_by_word(network(vectors, batch.first, heard)[0], batch)
        return torch.stack([mean_of(each, batch, kind) for kind in KIND_IDS])

    def without(layer: int, head: int) -> Tensor:
        heard = [torch.ones(1, shape.heads, 1) for _ in range(shape.layers)]
        heard[layer][0, head] = 0
        return losses(heard)

    whole, every_head = losses(None), range(shape.heads)
    return [torch.stack([without(layer, head) - whole for head in every_head], dim=1) for layer in range(shape.layers)]


def vectors_of(network: Network, batch: Batch) -> Tensor:
    """The vectors of the batch's tokens, (windows, length, width)."""
    return torch.nn.functional.embedding(batch.tokens, network.vectors(batch.ids, batch.spelled))


def losses_by_word(logits: Tensor, batch: Batch) -> Tensor:
    """The cross-entropy of each next word, (windows, length); 0 where it is made up."""
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), batch.targets.flatten(), ignore_index=UNKNOWN, reduction="none"
    ).view_as(batch.targets)


def by_role(each: Tensor, batch: Batch) -> Tensor:
    """The mean of ``each``, (windows, length), over the answers of each role, (roles,)."""
    return torch.stack([mean_of(each, batch, role) for role in ROLES])


def mean_of(each: Tensor, batch: Batch, kind: str) -> Tensor:
    """The mean of ``each`` over the answers in sentences of this kind; 0 where there are none."""
    inside = batch.asked & (batch.targets != UNKNOWN) & (batch.kinds == KIND_IDS[kind])
    return (each * inside).sum() / inside.sum().clamp_min(1)
