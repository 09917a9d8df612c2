"""torch's flex_attention: its score_mod and mask_mod are functions of a score and its place, and are evaluated at all places."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from attnviz.sources.recording.captured import Captured
from attnviz.sources.recording.scores import UnnamedError
from attnviz.text.message import Message

FLEX = "flex_attention"
PROBES = (0.0, 1.0, -2.5, 7.0)  # scores at which a score_mod is asked what it does
FAR = 1e9  # a score at which tanh is 1


def flex(args: Sequence[Any], output: torch.Tensor) -> Captured:
    """What a call of torch's flex_attention operator computed with; ``UnnamedError`` where its score_mod has no name in a Rule.

    The operator is given query, key, value, score_mod, the block mask (mask_mod is its last part) and the scale.
    """
    query, key, value, score_mod, block_mask, scale = args[:6]
    grid = _Grid(query, key)
    factor, cap, bias = grid.score_mod(score_mod)
    seen = grid.mask(block_mask[-1])
    masks = (seen, bias) if bool(bias.any()) else (seen,)
    key, value = (one.expand(len(query), *one.shape[1:]) for one in (key, value))
    return Captured(query, key, value, output=output, masks=masks, scale=scale * factor, softcap=cap)


class _Grid:
    """All places of the scores of queries and keys, (items, heads, queries, keys)."""

    def __init__(self, query: torch.Tensor, key: torch.Tensor) -> None:
        sizes = (*query.shape[:3], key.shape[2])
        self.shape, self.device = sizes, query.device
        self.places = [
            torch.arange(size, device=query.device).reshape([-1 if axis == own else 1 for axis in range(4)])
            for own, size in enumerate(sizes)
        ]

    def mask(self, mask_mod: Callable[..., Any]) -> torch.Tensor:
        """Which places ``mask_mod`` shows."""
        found = torch.as_tensor(mask_mod(*self.places), device=self.device)
        return _items_and_heads(found.bool(), self.shape)

    def score_mod(self, score_mod: Callable[..., Any]) -> tuple[float, float | None, torch.Tensor]:
        """The factor, the cap and the bias that ``score_mod`` is: factor · score + bias, or cap · tanh(score / cap) + bias."""
        bias = self._at(score_mod, 0.0)
        there = bias > -torch.inf
        if not bool(there.any()):
            return 1.0, None, bias
        factor = (self._at(score_mod, 1.0) - bias)[there]
        far = (self._at(score_mod, FAR) - bias)[there]
        if _is_same(factor) and self._agrees(score_mod, bias, there, lambda score: float(factor[0]) * score):
            return float(factor[0]), None, bias
        cap = float(far[0])
        if (
            _is_same(far)
            and 0 < cap < FAR
            and self._agrees(score_mod, bias, there, lambda score: cap * _tanh(score / cap))
        ):
            return 1.0, cap, bias
        raise UnnamedError(Message("its score_mod is neither a bias, a factor nor a softcap"))

    def _agrees(
        self, score_mod: Callable[..., Any], bias: torch.Tensor, there: torch.Tensor, said: Callable[[float], float]
    ) -> bool:
        return all(
            bool(((self._at(score_mod, score) - bias)[there] - said(score)).abs().max() < 1e-4 * (1 + abs(score)))
            for score in PROBES
        )

    def _at(self, score_mod: Callable[..., Any], score: float) -> torch.Tensor:
        """What becomes of a score everywhere, (items or 1, heads or 1, queries, keys)."""
        given = torch.full((1, 1, 1, 1), score, device=self.device)
        return _items_and_heads(torch.as_tensor(score_mod(given, *self.places)).float(), self.shape)


def _items_and_heads(array: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """With all queries and keys, which a mask has, and an axis of items and heads."""
    lead = (1,) * (4 - array.ndim) + tuple(array.shape)
    return array.reshape(lead).expand(*lead[:2], *shape[2:])


def _is_same(numbers: torch.Tensor) -> bool:
    return bool(((numbers - numbers[0]).abs() <= 1e-4 * numbers[0].abs() + 1e-6).all())


def _tanh(number: float) -> float:
    return float(torch.tanh(torch.tensor(number, dtype=torch.float64)))


class _Uncompiled:
    """In place of torch's flag that flex_attention runs as it is, without a compiler, which would take it out of sight. Where
    gradients are asked for, it needs the compiler."""

    def __init__(self, lost: Callable[[], None]) -> None:
        self._lost = lost

    def __bool__(self) -> bool:
        asking = sys._getframe(1).f_locals
        given = [asking[name] for name in ("query", "key", "value") if name in asking]
        if torch.is_grad_enabled() and any(one.requires_grad for one in given):
            self._lost()
            return False
        return True


@contextmanager
def flex_in_sight(lost: Callable[[], None]) -> Iterator[None]:
    """Inside the block flex_attention is seen, where no gradients are asked for; ``lost`` is told where they are.

    The flag is torch.nn.attention.flex_attention._FLEX_ATTENTION_DISABLE_COMPILE_DEBUG (torch 2.9 and later).
    """
    import torch.nn.attention.flex_attention as module

    flag = "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"
    before = getattr(module, flag, None)
    if before is not None:
        setattr(module, flag, _Uncompiled(lost))
    try:
        yield
    finally:
        if before is not None:
            setattr(module, flag, before)
