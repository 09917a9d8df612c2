"""Texts as the tiny model learns from them: some windows of a pool at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy
import torch
from torch import Tensor

from attnviz.sources.tiny.plan import Plan
from attnviz.sources.tiny.pool import Pool


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


def cut(pool: Pool, plan: Plan, draw: numpy.random.Generator, positions: int) -> Batch:
    """Windows of ``pool``, half of them at the beginning of a text, the others anywhere in it.

    So each position is learned, though a window is shorter than a text may be.
    """
    here, after = pool.windows(draw, plan.windows, plan.length)
    first = draw.integers(0, positions - plan.length + 1, plan.windows) * (draw.random(plan.windows) < 0.5)
    arrays = (pool.ids, pool.spelled, pool.stream[here], pool.ids[pool.stream[after]], pool.kinds[here])
    return Batch(*map(torch.from_numpy, (*arrays, pool.asked[here], first)))
