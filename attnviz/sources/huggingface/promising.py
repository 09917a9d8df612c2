"""Which heads of a large model are worth taking away one by one, by an estimate for all of them from one gradient.

Replacing a head's output z by its mean changes the difference of the logits of the two answers, to first order, by its
gradient with respect to z times (mean − z), summed over all tokens (Nanda 2023, "Attribution Patching: Activation
Patching At Industrial Scale"; Syed et al. 2023, 2310.10348). It chooses; what is told is measured by the ablation itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

import numpy
import torch

from attnviz.attention.arrays import Array, to_numpy
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.passes import Batch, Seen, passes
from attnviz.trace.asking import Head

FEW = 32  # heads that are all tried
BEST = 4  # by hits, as many by the estimate, and as many that are drawn: for the average other head


def candidates(hits: numpy.ndarray, losses: numpy.ndarray) -> list[Head]:
    """The heads to take away: those with most ``hits``, those with the largest ``losses``, both (layers, heads), and drawn
    ones, always the same."""
    best = {place for of in (hits, losses) for place in numpy.argsort(-of, axis=None, kind="stable")[:BEST].tolist()}
    rest = [place for place in range(hits.size) if place not in best]
    drawn = random.Random("the average other head").sample(rest, BEST)
    return [divmod(place, hits.shape[1]) for place in sorted(best.union(drawn))]


def estimated_losses(
    model: Model, texts: Iterable[Batch], answers: numpy.ndarray, others: numpy.ndarray, means: Array
) -> numpy.ndarray:
    """How much the logit of the answer is expected to fall beside the other's without each head, (layers, heads), a text.

    answers, others  the first token of each text's, by its place
    means            (layers, heads, d_v)
    """
    sums, count = numpy.zeros(means.shape[:2]), 0
    with passes(model) as watch, torch.inference_mode(False), torch.enable_grad():
        for batch in texts:
            differences = _Differences()
            logits = watch.read(batch.ids.clone(), differences).logits[:, -1].float()  # (texts, vocabulary)
            rows = torch.arange(len(logits), device=logits.device)
            first, other = (torch.as_tensor(of[batch.places], device=logits.device) for of in (answers, others))
            sums -= differences.of((logits[rows, first] - logits[rows, other]).sum(), means)
            count += len(batch.places)
    return sums / count


class _Differences:
    """A Visit that keeps each layer's outputs, and from where on they count."""

    def __init__(self) -> None:
        self.outputs: list[torch.Tensor] = []
        self.nudges: list[torch.Tensor] = []  # zeros: with respect to them the gradient is the output's

    def __call__(self, seen: Seen) -> torch.Tensor:
        self.outputs.append(seen.output.detach())
        self.nudges.append(torch.zeros_like(seen.output, requires_grad=True))
        return seen.output + self.nudges[-1]

    def of(self, value: torch.Tensor, means: Array) -> numpy.ndarray:
        """How ``value`` changes, to first order, where each head is its mean, (layers, heads)."""
        gradients = torch.autograd.grad(value, self.nudges)
        changes = []
        for output, gradient, mean in zip(self.outputs, gradients, means, strict=True):  # (texts, tokens, heads, d_v)
            moved = torch.as_tensor(mean[..., : output.shape[-1]]).to(output.device, torch.float32) - output.float()
            changes.append(to_numpy((gradient.float() * moved).sum((0, 1, 3)).double()))
        return numpy.stack(changes)
