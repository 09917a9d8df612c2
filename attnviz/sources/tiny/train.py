"""Training the tiny model from its grammar alone: python -m attnviz.sources.tiny.train --seed 0"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import torch
from torch import Tensor

from attnviz.sources.tiny.grammar import KINDS
from attnviz.sources.tiny.network import BIAS_GAIN, Network, Shape
from attnviz.sources.tiny.pool import KIND_IDS, UNKNOWN, Pool, drawn_pool
from attnviz.sources.tiny.prices import Prices
from attnviz.sources.tiny.weights import ARRAYS, MATRICES, LayerWeights, Weights, write_weights
from attnviz.sources.tiny.words import VOCABULARY


@dataclass(frozen=True)
class Plan:
    """How the model is trained."""

    seed: int = 0
    steps: int = 4000
    windows: int = 64
    length: int = 48
    rate: float = 2e-3
    warm_up: int = 200
    other_words: float = 0.2  # what a word that answers no question counts, beside one that does
    renewed: int = 500  # steps after which new sentences are drawn
    sentences: int = 20000
    prices: Prices = field(default_factory=Prices)


@dataclass
class Batch:
    """Windows of text, (windows, length) each: tokens by their place in the pool, and what follows them."""

    ids: Tensor  # of the pool's words
    spelled: Tensor
    tokens: Tensor
    targets: Tensor  # ids, −1 where the next word is none of the vocabulary
    kinds: Tensor
    asked: Tensor
    first: Tensor


def cut(pool: Pool, plan: Plan, draw: numpy.random.Generator, positions: int) -> Batch:
    """Windows of ``pool``, half of them at the beginning of a text, the others anywhere in it."""
    here, after = pool.windows(draw, plan.windows, plan.length)
    first = draw.integers(0, positions - plan.length, plan.windows) * (draw.random(plan.windows) < 0.5)
    arrays = (pool.ids, pool.spelled, pool.stream[here], pool.ids[pool.stream[after]], pool.kinds[here])
    return Batch(*map(torch.from_numpy, (*arrays, pool.asked[here], first)))


def losses(network: Network, batch: Batch, plan: Plan, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """The loss with its prices, that of the questions alone, and whether each was answered right."""
    vectors = torch.nn.functional.embedding(batch.tokens, network.vectors(batch.ids, batch.spelled))
    logits, watched = network(vectors, batch.first)
    each = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), batch.targets.flatten(), ignore_index=UNKNOWN, reduction="none"
    ).view_as(batch.targets)
    known = batch.targets != UNKNOWN
    asked = batch.asked & known
    questions = each[asked].mean()
    others = each[known & ~asked].mean()
    loss = questions + plan.other_words * others + plan.prices.of(step, watched, batch.kinds)
    return loss, questions, logits.detach()


def rate(step: int, plan: Plan) -> float:
    """The share of the learning rate at this step: up in a line, down in half a cosine."""
    if step < plan.warm_up:
        return (step + 1) / plan.warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - plan.warm_up) / max(1, plan.steps - plan.warm_up)))


def train(plan: Plan, told=print) -> Network:
    torch.manual_seed(plan.seed)
    draw = numpy.random.default_rng(plan.seed)
    network = Network(Shape(words=len(VOCABULARY)))
    optimizer = torch.optim.AdamW(network.parameters(), lr=plan.rate, betas=(0.9, 0.98), weight_decay=0.01)
    began = time.monotonic()
    for step in range(plan.steps):
        if step % plan.renewed == 0:
            pool = drawn_pool(f"{plan.seed} {step}", plan.sentences)
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * rate(step, plan)
        batch = cut(pool, plan, draw, network.shape.positions)
        loss, questions, logits = losses(network, batch, plan, step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 200 == 0 or step + 1 == plan.steps:
            right = logits.argmax(-1) == batch.targets
            told(report(step + 1, plan, loss, questions, right, batch, began))
    return network


def report(step, plan, loss, questions, right, batch, began) -> str:
    shares = []
    for kind in KINDS:
        of_kind = (batch.kinds == KIND_IDS[kind]) & batch.asked & (batch.targets != UNKNOWN)
        if of_kind.any():
            shares.append(f"{kind} {right[of_kind].float().mean():.2f}")
    return f"{step:5d}/{plan.steps}  loss {loss:.3f}  questions {questions:.3f}  {' '.join(shares)}  {time.monotonic() - began:.0f} s"


def weights_of(network: Network, facts: dict[str, str]) -> Weights:
    """The numbers of ``network`` as NumPy arrays."""
    layers = tuple(
        LayerWeights(
            **{name: getattr(layer, name).detach().numpy() for name in MATRICES},
            bias=BIAS_GAIN * layer.bias.detach().numpy(),
        )
        for layer in network.layers
    )
    arrays = {name: getattr(network, name).detach().numpy() for name in ARRAYS}
    return Weights(words=VOCABULARY, layers=layers, facts=facts, **arrays)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("-o", default="tiny.pt")
    a = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    network = train(Plan(seed=a.seed, steps=a.steps), lambda line: print(line, flush=True))
    torch.save(network.state_dict(), a.o)


if __name__ == "__main__":
    main()
