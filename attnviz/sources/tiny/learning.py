"""How the tiny model learns: from sentences of its grammar alone, which it is asked to go on with."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy
import torch
from torch import Tensor

from attnviz.attention.threads import limit_torch
from attnviz.sources.tiny.network import BIAS_GAIN, Network, Shape
from attnviz.sources.tiny.pool import KIND_IDS, UNKNOWN, Pool, drawn_pool
from attnviz.sources.tiny.prices import Prices
from attnviz.sources.tiny.weights import ARRAYS, MATRICES, LayerWeights, Weights
from attnviz.sources.tiny.words import VOCABULARY
from attnviz.trace.roles import ROLES

TOLD = 200  # steps between two lines of progress


@dataclass(frozen=True)
class Plan:
    """How the model is trained.

    seed         of the first weights and of all sentences
    steps        each with ``windows`` texts of ``length`` tokens
    rate         the learning rate at its highest, after ``warm_up`` steps; it then falls to 0 in half a cosine
    other_words  what a word that answers no question counts in the loss, beside one that does
    renewed      the steps after which ``sentences`` new ones are drawn
    """

    seed: int = 0
    steps: int = 4500
    windows: int = 32
    length: int = 48
    rate: float = 2e-3
    warm_up: int = 200
    other_words: float = 0.2
    renewed: int = 500
    sentences: int = 20000
    prices: Prices = field(default_factory=Prices)


@dataclass
class Batch:
    """Windows of text, (windows, length) each, and the vectors' rows of their pool.

    ids, spelled  of the pool's words
    tokens        places in these
    targets       ids of the next words, −1 where the vocabulary has none
    kinds, asked  of which kind of sentence a token is, and whether its next word answers a question
    first         (windows,): the position of the first token
    """

    ids: Tensor
    spelled: Tensor
    tokens: Tensor
    targets: Tensor
    kinds: Tensor
    asked: Tensor
    first: Tensor


@dataclass
class Losses:
    """What one step looked at: ``whole`` is what falls, with all prices; ``questions`` the loss of answers alone."""

    whole: Tensor
    questions: Tensor
    logits: Tensor


def learned(plan: Plan, told: Callable[[str], None]) -> Network:
    """Train a model by ``plan`` on one thread, which makes it the same on one machine; ``told`` gets a line now and then."""
    with limit_torch(1), _no_denormals():
        torch.manual_seed(plan.seed)
        draw = numpy.random.default_rng(plan.seed)
        network = Network(Shape(words=len(VOCABULARY)))
        optimizer = torch.optim.AdamW(network.parameters(), lr=plan.rate, betas=(0.9, 0.98), weight_decay=0.01)
        began = time.monotonic()
        pool = drawn_pool(f"{plan.seed} 0", plan.sentences)
        for step in range(plan.steps):
            if step and step % plan.renewed == 0:
                pool = drawn_pool(f"{plan.seed} {step}", plan.sentences)
            batch = cut(pool, plan, draw, network.shape.positions)
            losses = losses_of(network, batch, plan, step)
            optimizer.param_groups[0]["lr"] = plan.rate * share_of_rate(step, plan)
            optimizer.zero_grad(set_to_none=True)
            losses.whole.backward()  # type: ignore[no-untyped-call]  # torch says nothing of it
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            if (step + 1) % TOLD == 0 or step + 1 == plan.steps:
                seconds = time.monotonic() - began
                told(f"{step + 1:5d} of {plan.steps} steps  {told_of(losses, batch)}  {seconds:.0f} s")
        return network


@contextmanager
def _no_denormals() -> Iterator[None]:
    """Numbers below 10⁻³⁸ count as 0: they are as good as that, and take a hundred times as long."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def cut(pool: Pool, plan: Plan, draw: numpy.random.Generator, positions: int) -> Batch:
    """Windows of ``pool``, half of them at the beginning of a text, the others anywhere in it.

    So each position is learned, though a window is shorter than a text may be.
    """
    here, after = pool.windows(draw, plan.windows, plan.length)
    first = draw.integers(0, positions - plan.length + 1, plan.windows) * (draw.random(plan.windows) < 0.5)
    arrays = (pool.ids, pool.spelled, pool.stream[here], pool.ids[pool.stream[after]], pool.kinds[here])
    return Batch(*map(torch.from_numpy, (*arrays, pool.asked[here], first)))


def losses_of(network: Network, batch: Batch, plan: Plan, step: int) -> Losses:
    """The cross-entropy of the next word, of answers and of all others, and what the heads' work costs."""
    vectors = torch.nn.functional.embedding(batch.tokens, network.vectors(batch.ids, batch.spelled))
    logits, watched = network(vectors, batch.first)
    each = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), batch.targets.flatten(), ignore_index=UNKNOWN, reduction="none"
    ).view_as(batch.targets)
    known = batch.targets != UNKNOWN
    questions = each[known & batch.asked].mean()
    others = each[known & ~batch.asked].mean()
    whole = questions + plan.other_words * others + plan.prices.of(step, watched, batch.kinds)
    return Losses(whole, questions, logits.detach())


def share_of_rate(step: int, plan: Plan) -> float:
    """Up in a line, down in half a cosine (Loshchilov and Hutter 2017, 1608.03983)."""
    if step < plan.warm_up:
        return (step + 1) / plan.warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - plan.warm_up) / max(1, plan.steps - plan.warm_up)))


def told_of(losses: Losses, batch: Batch) -> str:
    """A line of progress: the losses, and how many questions of each role were answered right."""
    right = losses.logits.argmax(-1) == batch.targets
    parts = [f"loss {losses.whole:.3f}", f"answers {losses.questions:.3f}"]
    for role in ROLES:
        asked = (batch.kinds == KIND_IDS[role]) & batch.asked & (batch.targets != UNKNOWN)
        if asked.any():
            parts.append(f"{role} {100 * right[asked].float().mean():.0f} %")
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
