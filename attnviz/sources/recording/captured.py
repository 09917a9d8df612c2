"""What an attention computed with, of all items of a batch, and whether it is what the module computed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from attnviz.attention.rule import Rule
from attnviz.attention.visibility import GONE
from attnviz.sources.recording.agreement import require_agreement, require_all_agrees
from attnviz.sources.recording.grouping import Grouping
from attnviz.sources.recording.rule_from_mask import MaskInRule, distance_bias, hiding_mask, mask_in_rule, together
from attnviz.sources.recording.sampled import OF_UNKNOWN_CODE
from attnviz.trace.layer import Layer

Split = Callable[[tuple[int, ...]], tuple[int, int]]  # the sizes before queries and keys → items, heads

LATEST = 4  # masks that the next layer may share: a causal one, and one of each length of keys


@dataclass(frozen=True, eq=False)
class Captured:
    """What an attention computed with.

    query, key, value  (items, heads or kv_heads, tokens, d)
    output   (items, heads, queries, d_v), the module's own; None once it is compared
    masks    (items or 1, heads or 1, queries or 1, keys) each: bool, True = may attend; or float, added to the scores
    causal   whether a query sees only keys up to its own place, the first at the first
    sinks    (heads,)
    weights  (items, heads, queries, keys), the module's own, where it made some
    dropped  whether dropout changed the weights afterwards, so that the outputs are not compared
    plain    whether the module's own code rounded every step
    """

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    output: torch.Tensor | None
    masks: tuple[torch.Tensor, ...] = ()
    causal: bool = False
    scale: float | None = None
    softcap: float | None = None
    sinks: torch.Tensor | None = None
    weights: torch.Tensor | None = None
    dropped: bool = False
    plain: bool = False

    def __post_init__(self) -> None:
        given = {name: one.detach() for name, one in vars(self).items() if isinstance(one, torch.Tensor)}
        vars(self).update(given)

    @property
    def items(self) -> int:
        """How many there are in the batch."""
        return int(self.query.shape[0])

    def rule(self, item: int) -> Rule:
        """The rule of one item."""
        said = together([MaskInRule(self.causal), *map(mask_in_rule, self._masks(item))])
        bias = said.bias
        if bias is not None:
            bias = distance_bias(bias if bias.ndim == 3 else bias[None])
        return Rule(
            scale=_scale(self.scale, self.query.shape[-1]),
            causal=said.causal,
            query_offset=0 if said.causal and self.query.shape[2] != self.key.shape[2] else None,
            window=said.window,
            softcap=self.softcap,
            mask=said.mask,
            bias=bias,
            sinks=self.sinks,
        )

    def _masks(self, item: int) -> list[torch.Tensor]:
        """Those of one item; one that is alone, and only hides, as True = may attend."""
        masks = [one[item if len(one) > 1 else 0] for one in self.masks]
        if len(masks) > 1 or self.causal:  # together they may lower whole rows
            return masks
        return [hiding_mask(one, lambda: self._reach(item)) for one in masks]

    def _reach(self, item: int) -> float:
        """How far below 0 a number must lie that leaves no weight to a score of this item, whatever the scores are."""
        query, key = (float(one[item].float().norm(dim=-1).max()) for one in (self.query, self.key))
        scale = 1 / math.sqrt(self.query.shape[-1]) if self.scale is None else abs(self.scale)
        return 2 * query * key * scale + GONE  # |q · k| ≤ |q| |k|, and a softcap only makes scores smaller

    def layer(self, item: int, index: int = 0, name: str = "", kind: str = "self") -> Layer:
        """The layer of one item."""
        return Layer(self.query[item], self.key[item], self.value[item], self.rule(item), index, name, kind)

    def error(self) -> float | None:
        """The largest error of all items (agreement.py), None where there is nothing to compare with; AttnvizError where it is
        more than rounding."""
        if self.output is None or (self.weights is None and self.dropped):
            return None
        return max(self._error(item, self.output[item].transpose(0, 1)) for item in range(self.items))

    def _error(self, item: int, output: torch.Tensor) -> float:
        """The same of one item, whose ``output`` is (queries, heads, d_v)."""
        layer = self.layer(item)
        if self.weights is None:
            return require_agreement(layer, output, plain=self.plain, comparison=OF_UNKNOWN_CODE)
        return require_all_agrees(layer, output, self.weights[item], dropped=self.dropped, plain=self.plain)

    def grouped(self, grouping: Grouping) -> Captured:
        """The same with other items and heads."""
        items, heads = self.query.shape[:2]
        key, value = shared_keys(
            *(grouping.of(one.repeat_interleave(heads // one.shape[1], dim=1)) for one in (self.key, self.value))
        )
        masks = tuple(
            one if one.shape[:2] == (1, 1) else grouping.of(one.expand(items, heads, *one.shape[2:]))
            for one in self.masks
        )
        sinks = None if self.sinks is None else grouping.of(self.sinks.expand(items, heads))[0]
        return replace(self, query=grouping.of(self.query), key=key, value=value, masks=masks, sinks=sinks)

    def apart(self, copies: Copies) -> Captured:
        """The same in memory of its own on the CPU, without what it was compared with."""
        with torch.inference_mode(False):
            kept = {name: _copied(getattr(self, name)) for name in ("query", "key", "value", "sinks")}
            masks = tuple(map(copies.of, self.masks))
        return replace(self, output=None, weights=None, masks=masks, **kept)


class Copies:
    """Copies of masks, one for all layers that share a mask: it is as large as all of their queries and keys together."""

    def __init__(self) -> None:
        self._made: dict[
            tuple[Any, ...], tuple[torch.Tensor, torch.Tensor]
        ] = {}  # the mask beside its copy: its address stays its own

    def of(self, mask: torch.Tensor) -> torch.Tensor:
        """A copy of ``mask`` on the CPU; the same one as long as nobody has changed it."""
        if mask.is_inference():  # of such a tensor nobody knows whether it has changed
            return mask.to("cpu", copy=True)
        address = (mask.data_ptr(), mask.shape, mask.stride(), mask.dtype, mask.device, mask._version)
        if address not in self._made:
            self._made[address] = (mask, mask.to("cpu", copy=True))
            for old in list(self._made)[:-LATEST]:
                del self._made[old]
        return self._made[address][1]


def split_lead(array: torch.Tensor, lead: tuple[int, ...], items: int, heads: int) -> torch.Tensor:
    """(lead …, queries, keys), any axis 1, as (items or 1, heads or 1, queries, keys)."""
    own = array.shape[:-2]
    if all(size == 1 for size in own):
        return array.reshape(1, 1, *array.shape[-2:])
    if lead == (items, heads):
        return array
    return array.expand(*lead, *array.shape[-2:]).reshape(items, heads, *array.shape[-2:])


def shared_keys(key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Key and value, (items, heads, keys, d), each once where heads that stand beside each other share them."""
    heads = key.shape[1]
    for group in range(heads, 1, -1):
        if heads % group == 0 and all(map(_is_shared, (key, value), (group, group))):
            return key[:, ::group], value[:, ::group]
    return key, value


def _is_shared(array: torch.Tensor, group: int) -> bool:
    if not torch.equal(array[:, 0], array[:, group - 1]):  # most are told apart here
        return False
    grouped = array.reshape(array.shape[0], -1, group, *array.shape[2:])
    return bool((grouped == grouped[:, :, :1]).all())


def _scale(scale: float | None, dimension: int) -> float | None:
    """None where it is the usual one."""
    usual = scale is not None and math.isclose(scale, 1 / math.sqrt(dimension), rel_tol=1e-6)
    return None if usual else scale


def _copied(array: Any) -> Any:
    return None if array is None else array.detach().to("cpu", copy=True)
