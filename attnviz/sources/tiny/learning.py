"""How the tiny model learns: from sentences of its grammar alone, which it is asked to go on with."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy
import torch

from attnviz.attention.threads import limit_torch
from attnviz.sources.tiny.batch import cut
from attnviz.sources.tiny.losses import Losses, Parting, losses_of, needs
from attnviz.sources.tiny.network import BIAS_GAIN, Network, Shape
from attnviz.sources.tiny.plan import Plan
from attnviz.sources.tiny.pool import drawn_pool
from attnviz.sources.tiny.prices import left_alone, set_apart
from attnviz.sources.tiny.weights import ARRAYS, MATRICES, LayerWeights, Weights
from attnviz.sources.tiny.words import VOCABULARY
from attnviz.trace.asking import ROLES

LISTENED = 256  # windows by which heads are set apart
USUAL = 0.98  # the share of the past in what is usual
TOLD = 200  # steps between two lines of progress


def learned(plan: Plan, told: Callable[[str], None]) -> Network:
    """Train a model by ``plan`` on one thread, which makes it the same on one machine; ``told`` gets a line now and then."""
    with limit_torch(1), _no_denormals():
        torch.manual_seed(plan.seed)
        training = Training(plan, told)
        while not training.done:
            training.step()
        return training.network


class Training:
    """A model on its way: first it learns the answers, then its heads are parted."""

    def __init__(self, plan: Plan, told: Callable[[str], None]) -> None:
        self.plan, self.told = plan, told
        self.network = Network(Shape(words=len(VOCABULARY)))
        self.steps = 0
        self.parted: int | None = None  # the step from which on the heads are parted
        self._draw = numpy.random.default_rng(plan.seed)
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=plan.rate, betas=(0.9, 0.98), weight_decay=0.01
        )
        self._began = time.monotonic()
        self._right = torch.zeros(len(ROLES))  # the share of each role's answers that are right, as is usual by now

    @property
    def done(self) -> bool:
        """Whether all steps are taken."""
        return self.parted is not None and self.steps == self.parted + self.plan.parting

    def step(self) -> None:
        """One batch of texts."""
        plan = self.plan
        if self.steps % plan.renewed == 0:
            self._pool = drawn_pool(f"{plan.seed} {self.steps}", plan.sentences)
        if self.parted is None and (self._right.min() > plan.known or self.steps == plan.learning):
            self._part()
        batch = cut(self._pool, plan, self._draw, self.network.shape.positions)
        losses = losses_of(self.network, batch, plan, self._parting())
        self._optimizer.param_groups[0]["lr"] = plan.rate * self._share_of_rate()
        self._optimizer.zero_grad(set_to_none=True)
        losses.whole.backward()  # type: ignore[no-untyped-call]  # torch says nothing of it
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimizer.step()
        self.steps += 1
        self._right = USUAL * self._right + (1 - USUAL) * losses.right
        if self.steps % TOLD == 0 or self.done:
            self._tell(told_of(losses))

    def _part(self) -> None:
        """Set heads apart for each kind of sentence: those that it needs most by now."""
        plan = replace(self.plan, windows=LISTENED)
        needed = needs(self.network, cut(self._pool, plan, self._draw, self.network.shape.positions))
        self._apart = left_alone(needed) if plan.left_alone else set_apart(needed)
        self.parted = self.steps
        self._tell(f"the answers are known: from here on the heads are {'left alone' if plan.left_alone else 'parted'}")

    def _parting(self) -> Parting | None:
        return None if self.parted is None else Parting(self._apart, self._share_of_parting())

    def _share_of_parting(self) -> float:
        return 0.0 if self.parted is None else (self.steps - self.parted) / self.plan.parting

    def _share_of_rate(self) -> float:
        """Up in a line; at the end down in half a cosine (Loshchilov and Hutter 2017, 1608.03983)."""
        falling = max(0.0, 2 * self._share_of_parting() - 1)
        return min(1.0, (self.steps + 1) / self.plan.warm_up) * 0.5 * (1 + math.cos(math.pi * falling))

    def _tell(self, what: str) -> None:
        of = f" of {self.parted + self.plan.parting}" if self.parted is not None else ""
        self.told(f"{self.steps:5d}{of} steps  {what}  {time.monotonic() - self._began:.0f} s")


@contextmanager
def _no_denormals() -> Iterator[None]:
    """Numbers below 10⁻³⁸ count as 0: they are as good as that, and take a hundred times as long."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def told_of(losses: Losses) -> str:
    """What a line of progress says: the losses, and how many questions of each role were answered right."""
    parts = [f"loss {losses.whole:.3f}", f"answers {losses.answers.mean():.3f}"]
    parts += [f"{role} {100 * right:.0f} %" for role, right in zip(ROLES, losses.right, strict=True)]
    return "  ".join(parts)


def weights_of(network: Network, facts: dict[str, str]) -> Weights:
    """The numbers of ``network`` in NumPy, as its file holds them."""

    def numbers(of: torch.nn.Module, name: str) -> numpy.ndarray:
        array: numpy.ndarray = getattr(of, name).detach().numpy()
        return array

    layers = tuple(
        LayerWeights(**{name: numbers(layer, name) for name in MATRICES}, bias=BIAS_GAIN * numbers(layer, "bias"))
        for layer in network.layers
    )
    return Weights(words=VOCABULARY, layers=layers, facts=facts, **{name: numbers(network, name) for name in ARRAYS})
