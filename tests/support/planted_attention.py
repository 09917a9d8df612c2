"""Attention with mistakes, as people write them in torch; nothing of attnviz computes here.

``problem(random)`` draws what was meant; ``PLANTED`` has a function for each mistake, which gives the output that somebody's
code with that mistake would give, or None where the problem has nothing that it could be made of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy
import torch

MINUS = float("-inf")


@dataclass
class Problem:
    """What was meant; tensors are (items, heads, tokens, d)."""

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    scale: float | None = None
    causal: bool = False
    query_offset: int | None = None
    window: int | None = None
    softcap: float | None = None
    mask: torch.Tensor | None = None  # (items, 1, 1 or queries, keys)
    bias: torch.Tensor | None = None  # (heads, queries, keys)
    sinks: torch.Tensor | None = None
    rope_theta: float | None = None
    rope_dims: int | None = None
    rope_interleaved: bool = False

    @property
    def heads(self) -> int:
        return self.query.shape[1]

    @property
    def kv_heads(self) -> int:
        return self.key.shape[1]

    @property
    def queries(self) -> int:
        return self.query.shape[2]

    @property
    def keys(self) -> int:
        return self.key.shape[2]

    @property
    def width(self) -> int:
        return self.query.shape[3]

    @property
    def offset(self) -> int:
        return self.query_offset or 0

    @property
    def factor(self) -> float:
        return self.width**-0.5 if self.scale is None else self.scale

    def options(self) -> dict[str, Any]:
        """As ``diagnose`` is given them."""
        rope = ("rope_theta", "rope_dims", "rope_interleaved") if self.rope_theta is not None else ()
        names = ("scale", "causal", "query_offset", "window", "softcap", "mask", "bias", "sinks", *rope)
        given = {name: getattr(self, name) for name in names}
        return {
            name: _numpy(one) if isinstance(one, torch.Tensor) else one
            for name, one in given.items()
            if one is not None
        }

    def arrays(self) -> list[numpy.ndarray]:
        return [_numpy(array) for array in self.inputs()]

    def inputs(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.query, self.key, self.value


def _numpy(tensor: torch.Tensor) -> numpy.ndarray:
    return (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).numpy()


def problem(random: numpy.random.Generator, dtype: torch.dtype = torch.float32, **fixed: Any) -> Problem:
    """One of many: some heads, groups, lengths, a cache, masks, a window, a softcap, sinks, a bias, a rotation."""

    def chance(name: str, share: float) -> bool:
        return bool(fixed[name]) if name in fixed else bool(random.random() < share)

    def drawn(*shape: int, times: float = 1.0) -> torch.Tensor:
        return (torch.from_numpy(random.standard_normal(shape)) * times).to(dtype)

    kv_heads = int(random.choice([1, 2, 4]))
    heads = kv_heads * int(random.choice([1, 2, 3]))
    if fixed.get("groups"):
        kv_heads, heads = 2, 6
    if fixed.get("equal"):
        kv_heads = heads = 2
    items = 2 if chance("items", 0.3) else 1
    width, value_width = int(random.choice([8, 16, 32])), int(random.choice([8, 16, 32]))
    if chance("same", 0.5):
        value_width = width
    queries = keys = int(random.integers(9, 40))
    cache = chance("cache", 0.3)
    if cache:
        queries = int(random.integers(2, keys - 2))
    causal, window = chance("causal", 0.5), None
    if chance("window", 0.2):
        window = int(random.integers(2, max(3, keys // 2)))
    mask = bias = sinks = None
    if chance("mask", 0.3):
        lengths = torch.from_numpy(random.integers(keys // 2, keys, size=items))
        mask = (torch.arange(keys) < lengths[:, None])[:, None, None, :]
        if not cache and random.random() < 0.5:
            mask = mask & (torch.from_numpy(random.random((items, 1, queries, keys))) < 0.8)
            mask = mask | torch.eye(keys, dtype=torch.bool)
    if chance("bias", 0.2):
        bias = drawn(heads, queries, keys)
    if fixed.get("alibi"):
        distance = (torch.arange(keys) - (torch.arange(queries)[:, None] + keys - queries)).abs()
        bias = -(2.0 ** -torch.arange(1.0, heads + 1)).view(-1, 1, 1).to(dtype) * distance
    if fixed.get("chunks"):
        place = torch.arange(keys)
        mask = ((place[:, None] // 5 == place // 5) & (place[:, None] >= place))[None, None]
    if chance("sinks", 0.2):
        sinks = drawn(heads)
    rope = chance("rope", 0.25)
    query, key = drawn(items, heads, queries, width, times=1.5), drawn(items, kv_heads, keys, width, times=1.5)
    if fixed.get("low"):  # all logits of the first head far below 0
        query[:, 0, :, 0], key[:, 0, :, 0] = 40.0, -60.0
    return Problem(
        *(query, key),
        drawn(items, kv_heads, keys, value_width),
        scale=float(random.choice([0.1, 0.3, 1.5])) if chance("scale", 0.2) else None,
        causal=causal,
        query_offset=(0 if fixed.get("top_left") else keys - queries) if cache else None,
        window=window,
        softcap=float(random.choice([2.0, 5.0])) if chance("softcap", 0.2) else None,
        mask=mask,
        bias=bias,
        sinks=sinks,
        rope_theta=float(random.choice([1e4, 5e5])) if rope else None,
        rope_dims=width // 2 if rope and random.random() < 0.3 else None,
        rope_interleaved=bool(rope and random.random() < 0.5),
    )


def rotate(
    x: torch.Tensor, positions: torch.Tensor, theta: float, dims: int | None, interleaved: bool, sign: float = 1.0
) -> torch.Tensor:
    """x · cos + rotate_half(x) · sin, of the first ``dims``, as LLaMA's and GPT-J's code has it."""
    dims = dims or x.shape[-1]
    turned, rest = x[..., :dims], x[..., dims:]
    inverse = 1.0 / theta ** (torch.arange(0, dims, 2, dtype=torch.float64) / dims)
    angles = positions[:, None].double() * inverse * sign
    if interleaved:
        cos, sin = (angles.cos().repeat_interleave(2, -1), angles.sin().repeat_interleave(2, -1))
        half = torch.stack((-turned[..., 1::2], turned[..., ::2]), dim=-1).flatten(-2)
    else:
        cos, sin = (torch.cat((angles.cos(), angles.cos()), -1), torch.cat((angles.sin(), angles.sin()), -1))
        first, second = turned.chunk(2, dim=-1)
        half = torch.cat((-second, first), dim=-1)
    return torch.cat((turned * cos.to(x.dtype) + half * sin.to(x.dtype), rest), dim=-1)


def roped(p: Problem, *, query_start: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Query and key after the rotation that was meant, if one was."""
    if p.rope_theta is None:
        return p.query, p.key
    start = p.offset if query_start is None else query_start
    settings = (p.rope_theta, p.rope_dims, p.rope_interleaved)
    query = rotate(p.query, torch.arange(start, start + p.queries), *settings)
    return query, rotate(p.key, torch.arange(p.keys), *settings)


def allowed(p: Problem, *, causal: bool | None = None, offset: int | None = None, diagonal: int = 0) -> torch.Tensor:
    """The keys that causal and window let a query see, (queries, keys)."""
    offset = p.offset if offset is None else offset
    causal = p.causal if causal is None else causal
    ahead = torch.arange(p.keys)[None, :] - (torch.arange(p.queries)[:, None] + offset)
    seen = torch.ones(p.queries, p.keys, dtype=torch.bool)
    if causal:
        seen &= ahead <= diagonal
    if p.window is not None:
        seen &= ahead.abs() < p.window
    return seen


def hiding(p: Problem, **band: Any) -> torch.Tensor:
    """True for what may be seen, of mask, causal and window together."""
    seen = allowed(p, **band)
    return seen if p.mask is None else seen & p.mask


def logits(p: Problem, query: torch.Tensor, key: torch.Tensor, scale: float | None = None) -> torch.Tensor:
    """Scaled scores, capped; nothing added yet."""
    key = key.repeat_interleave(p.heads // key.shape[1], dim=1)
    scores = query @ key.transpose(-1, -2) * (p.factor if scale is None else scale)
    return scores if p.softcap is None else p.softcap * torch.tanh(scores / p.softcap)


def softmax(p: Problem, scores: torch.Tensor) -> torch.Tensor:
    """Over the keys, and the sink's column beside them, which is dropped."""
    if p.sinks is None:
        return torch.nan_to_num(scores.softmax(-1))
    column = p.sinks.view(1, -1, 1, 1).expand(*scores.shape[:-1], 1)
    return torch.cat([scores, column], dim=-1).softmax(-1)[..., :-1]


def out(p: Problem, weights: torch.Tensor, value: torch.Tensor | None = None) -> torch.Tensor:
    value = p.value if value is None else value
    return weights @ value.repeat_interleave(p.heads // value.shape[1], dim=1)


def attention(
    p: Problem,
    query: torch.Tensor | None = None,
    key: torch.Tensor | None = None,
    value: torch.Tensor | None = None,
    *,
    scale: float | None = None,
    seen: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
) -> torch.Tensor:
    """As it was meant, but for what is given."""
    turned = roped(p)
    scores = logits(p, turned[0] if query is None else query, turned[1] if key is None else key, scale)
    added = p.bias if bias is None else bias
    scores = scores if added is None else scores + added
    scores = scores.masked_fill(~(hiding(p) if seen is None else seen), MINUS)
    return out(p, softmax(p, scores), value)


Bug = Callable[[Problem], torch.Tensor | None]
PLANTED: dict[str, list[Bug]] = {}


def planted(name: str) -> Callable[[Bug], Bug]:
    def register(bug: Bug) -> Bug:
        PLANTED.setdefault(name, []).append(bug)
        return bug

    return register


def with_problem(p: Problem, **changes: Any) -> torch.Tensor:
    return attention(replace(p, **changes))
