"""Which inputs the GPU kernels take, and why they do not take the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

from attnviz.attention.arrays import Array
from attnviz.attention.rule import Rule

FAR = 1 << 30  # a distance that no two tokens have
SAFE = 1e30  # numbers below it, and above 1 / SAFE, are float32's with room for what is multiplied with them
LARGEST_SCORE = 1e3  # beyond it, the logarithm that a normaliser adds to a row's largest score loses digits in it
ADDRESSES = 1 << 31  # what the kernels count the numbers of a head with
LOG2_E = 1.4426950408889634


def takes(
    query: Array, key: Array, rule: Rule, bound: float, shown: range, find: Callable[[str], Any] = find_spec
) -> bool:
    """Whether the kernels compute this: CUDA and Triton are there, all keys are shown, the rule is one of lengths and
    numbers alone, and no score or place is beyond what float32 and int32 hold exactly enough. ``bound``: no scaled score
    exceeds it. Why they do not is logged, since it takes longer then; ``find`` looks for a module."""
    reason = _refusal(query, key, rule, bound, shown, find)
    if reason is not None:
        _log_once(reason)
    return reason is None


@cache
def _log_once(reason: str) -> None:
    logging.getLogger("attnviz").info("attnviz: torch pools instead of the GPU kernels: %s", reason)


def _refusal(
    query: Array, key: Array, rule: Rule, bound: float, shown: range, find: Callable[[str], Any]
) -> str | None:
    """Why the kernels do not compute this; None where they do."""
    import torch

    queries, keys, dimension = query.shape[1], key.shape[1], query.shape[-1]
    scale = abs(rule.scale_for(dimension))
    types = [str(array.dtype).rpartition(".")[2] for array in (query, key)]
    if torch.version.hip is not None:  # whose tensors are "cuda" too, and whose cards do not read the kernels' PTX
        return "they are for Nvidia's cards"
    if find("triton") is None:
        return "Triton is not installed"
    if (shown.start, shown.stop) != (0, keys):
        return "they show all keys, not some"
    if rule.mask is not None or rule.bias is not None:
        return "they know no mask and no bias"
    if types[0] != types[1] or types[0] not in ("bfloat16", "float16", "float32"):
        return f"query is {types[0]} and key {types[1]}"
    if dimension > 256:
        return f"{dimension} dimensions are more than 256"
    if max(queries, keys) * dimension >= ADDRESSES or abs(rule.offset_for(queries, keys)) >= FAR // 2:
        return "positions are beyond int32"  # each of them, and FAR beyond it
    if rule.sinks is not None and not float(abs(rule.sinks).max()) < LARGEST_SCORE:
        return f"a sink is not below {LARGEST_SCORE:,.0f}"
    if not all(1 / SAFE < number < SAFE for number in (scale, *score_numbers(rule, scale))):
        return "the scale or the softcap is too small or too large"
    # Products are summed before they are scaled: they may overflow where scores do not, which attend() says.
    if not (max(bound, bound / scale) < SAFE and _largest_score(query, key, rule, bound) < LARGEST_SCORE):
        return f"scores may reach {LARGEST_SCORE:,.0f}"
    return None


def _largest_score(query: Array, key: Array, rule: Rule, bound: float) -> float:
    """A number that no score exceeds: ``bound`` where that is low enough already, or |q · k| ≤ |q| |k|, or the cap."""
    import torch

    if bound >= LARGEST_SCORE:
        bound = abs(rule.scale_for(query.shape[-1]))
        for array in (query, key):
            bound *= float(torch.linalg.vector_norm(array, dim=-1, dtype=torch.float64).max())  # no square is 0 or ∞
    return bound if rule.softcap is None else min(bound, rule.softcap)


def score_numbers(rule: Rule, scale: float) -> tuple[float, float, float]:
    """What the kernels multiply with to make scores in units of log₂: all of them; before the cap; and the cap."""
    return (scale * LOG2_E, 1.0, 1.0) if rule.softcap is None else (LOG2_E, scale / rule.softcap, rule.softcap)


def reachable(array: Array) -> bool:
    """Whether the kernels can read a head of ``array`` where it lies."""
    _, tokens, dimension = array.shape
    return bool(array.stride(-1) == 1 and tokens * array.stride(1) + dimension < ADDRESSES)
