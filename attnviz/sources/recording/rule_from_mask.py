"""From the masks and biases that a model hands to its attention to a Rule, which says the same in as little memory.

A mask of queries × keys grows with T². Most are only causal, a sliding window or padding, which a Rule says in a few
numbers; whatever is not exactly one of these is kept as it came. Everything here reads row block by row block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from attnviz.attention.arrays import to_numpy
from attnviz.attention.toeplitz import spread
from attnviz.attention.visibility import GONE

ROWS = 512  # of a mask at a time
ROUNDED = 1.01  # a sum in bfloat16 is rounded by less than 1 %


class MaskInRule(NamedTuple):
    """Which keys a query may attend to, in the words of a Rule; ``mask`` and ``bias`` hold what these leave over.

    mask  bool, (1, keys) where only keys are hidden (padding), else (queries, keys) or (heads, queries, keys)
    bias  float, the same shapes
    """

    causal: bool = False
    window: int | None = None
    mask: Any = None
    bias: Any = None


def mask_in_rule(mask: torch.Tensor) -> MaskInRule:
    """What ``mask``, (heads or 1, queries or 1, keys), says: bool, True = may attend; or float, added to the scores.

    Plain code hides by the lowest number of its type. A row that has it everywhere is not hidden: all its keys have the same
    weight. Such a row is kept as a bias, with the lowest number of float32, beside which no score counts in any type.
    """
    if mask.dtype is not torch.bool:
        low = mask <= torch.finfo(mask.dtype).min / 2
        lowered = low.all(dim=-1, keepdim=True) & (mask > -torch.inf)
        if bool(((mask != 0) & ~low).any()) or bool(lowered.any()):
            bias = torch.where(low, -torch.inf, mask.float())
            bias = torch.where(lowered, torch.finfo(torch.float32).min, bias)
            return MaskInRule(bias=bias if len(bias) > 1 else bias[0])
        mask = ~low
    if len(mask) > 1 and not bool((mask == mask[:1]).all()):
        return MaskInRule(mask=mask)
    return _of_rows(mask[0])


def hiding_mask(mask: torch.Tensor, reach: Callable[[], float]) -> torch.Tensor:
    """``mask``, or what it says as True = may attend, where all that it adds hides, as −10⁹ and −10,000 do in plain code.

    ``reach`` tells how far below the others a logit must lie for its weight to be 0. A row that is lowered as a whole is not
    hidden, so a mask with such a row stays as it is.
    """
    if mask.dtype is torch.bool or not bool((mask < -GONE).any()):
        return mask
    low = mask < -reach() * ROUNDED
    only_low = bool((low | (mask == 0)).all()) and not bool(low.all(dim=-1).any())
    return ~low if only_low else mask


def filled_mask(filled: torch.Tensor, lowest: bool) -> torch.Tensor:
    """The mask, as ``mask_in_rule`` reads it, of cells that were ``filled`` with another number, which ``lowest`` says is −∞.

    Any other must be so low that no weight is left but where a whole row has it; whether it is, the weights tell.
    """
    return ~filled if lowest else torch.where(filled, torch.finfo(torch.float32).min, 0.0)


def together(masks: list[MaskInRule]) -> MaskInRule:
    """What several masks and biases say together."""
    result = MaskInRule()
    for one in masks:
        windows = [each for each in (result.window, one.window) if each is not None]
        result = MaskInRule(
            result.causal or one.causal,
            min(windows, default=None),
            _both(result.mask, one.mask, torch.logical_and),
            _both(result.bias, one.bias, torch.add),
        )
    return result


def _both(one: Any, other: Any, join: Any) -> Any:
    return other if one is None else one if other is None else join(one, other)


def distance_bias(bias: torch.Tensor) -> Any:
    """``bias``, (heads, queries, keys), or None if it is 0 everywhere.

    One that depends only on the distance of query and key (T5's) comes back as a NumPy view of the same shape on
    heads · (queries + keys) numbers.
    """
    if not bool(bias.any()):
        return None
    if bias.shape[1] == 1 or not bool((bias[:, 1:, 1:] == bias[:, :-1, :-1]).all()):
        return bias
    by_distance = torch.cat([bias[:, 1:, 0].flip(1), bias[:, 0]], dim=1)  # (heads, queries + keys − 1)
    return spread(to_numpy(by_distance.contiguous()), bias.shape[1])


def _of_rows(mask: torch.Tensor) -> MaskInRule:
    """The simplest words for ``mask``, (queries or 1, keys)."""
    seen = mask.any(dim=0)  # (keys,)
    padding = None if bool(seen.all()) else seen[None]
    if bool((mask == seen).all()):
        return MaskInRule(mask=padding)
    if mask.shape[0] == mask.shape[1]:
        behind, ahead = _reach(mask)
        causal = ahead == 0
        for window in (None, 1 + max(behind, ahead)):
            if (causal or window is not None) and _says(mask, seen, causal, window):
                return MaskInRule(causal, window, padding)
    return MaskInRule(mask=mask)


def _reach(mask: torch.Tensor) -> tuple[int, int]:
    """How far behind and how far ahead of itself a query sees at most."""
    behind = ahead = 0
    for start, distance in _distances(mask):
        visible = mask[start : start + ROWS]
        behind = max(behind, int(torch.where(visible, distance, 0).max()))
        ahead = max(ahead, -int(torch.where(visible, distance, 0).min()))
    return behind, ahead


def _says(mask: torch.Tensor, seen: torch.Tensor, causal: bool, window: int | None) -> bool:
    """Whether ``mask`` is exactly causal, windowed, or both, on the keys that are ``seen``."""
    for start, distance in _distances(mask):
        said = seen.expand_as(distance)
        if causal:
            said = said & (distance >= 0)
        if window is not None:
            said = said & (distance.abs() < window)
        if not torch.equal(said, mask[start : start + ROWS]):
            return False
    return True


def _distances(mask: torch.Tensor) -> Any:
    """For each block of rows its start, and how far each key is behind each query, (rows, keys)."""
    keys = torch.arange(mask.shape[1], device=mask.device, dtype=torch.int32)
    for start in range(0, mask.shape[0], ROWS):
        queries = torch.arange(start, min(start + ROWS, mask.shape[0]), device=mask.device, dtype=torch.int32)
        yield start, queries[:, None] - keys
