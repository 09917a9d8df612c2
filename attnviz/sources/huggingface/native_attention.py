"""The attention that a model computes when nobody watches: its fast kernel, or its own code where none can do it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch

from attnviz.errors import AttnvizError

CELLS = 1 << 24  # of scores that a model's own code holds at a time

Kernel = Callable[..., tuple[torch.Tensor, Any]]


def attention_output(
    implementation: str | None,
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    options: dict[str, Any],
) -> torch.Tensor:
    """The output of ``module``'s attention, (batch, queries, heads, d_v), as the model computes it by itself.

    ``implementation`` is what the model used before it was watched. torch's scaled_dot_product_attention knows neither
    softcap nor sinks, so models with these (Gemma 2, gpt-oss) run code of their own, "eager", on some queries at a time.
    """
    if not is_plain(implementation, options):
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        output: torch.Tensor = sdpa_attention_forward(module, query, key, value, mask, **options)[0]
        return output
    eager = _eager(module)
    queries, keys = query.shape[-2], key.shape[-2]
    size = max(1, CELLS // (query.shape[0] * query.shape[1] * keys))
    causal = is_causal(implementation, module, queries, mask, options)
    outputs = []
    for start in range(0, queries, size):
        rows = slice(start, min(start + size, queries))
        added = _added(mask, causal, rows, query, keys)
        outputs.append(eager(module, query[:, :, rows], key, value, added, **_of_rows(options, rows, queries))[0])
    return torch.cat(outputs, dim=1)


def is_plain(implementation: str | None, options: dict[str, Any]) -> bool:
    """Whether the model's own plain code computes this layer, rather than torch's scaled_dot_product_attention."""
    return implementation == "eager" or options.get("softcap") is not None or options.get("s_aux") is not None


def is_causal(
    implementation: str | None,
    module: torch.nn.Module,
    queries: int,
    mask: torch.Tensor | None,
    options: dict[str, Any],
) -> bool:
    """Whether a query sees only the keys up to its own place though no mask says so: sdpa does it then, plain code never."""
    if implementation == "eager" or mask is not None:
        return False
    given = options.get("is_causal")
    return queries > 1 and bool(getattr(module, "is_causal", True) if given is None else given)


def _eager(module: torch.nn.Module) -> Kernel:
    """The plain attention function that stands in the file of every model of transformers."""
    kernel: Kernel | None = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
    if kernel is None:
        raise AttnvizError(f"{type(module).__name__} has no attention function of its own to compare with")
    return kernel


def _added(mask: torch.Tensor | None, causal: bool, rows: slice, query: torch.Tensor, keys: int) -> torch.Tensor | None:
    """The rows of a mask as such functions take it: 0 where a query may look, the lowest number elsewhere."""
    if causal:
        places = torch.arange(rows.start, rows.stop, device=query.device)[:, None]
        mask = (torch.arange(keys, device=query.device) <= places)[None, None]  # (1, 1, rows, keys)
    elif mask is not None and mask.shape[-2] > 1:
        mask = mask[..., rows, :]
    if mask is None or mask.dtype is not torch.bool:
        return mask
    zero = torch.zeros((), dtype=query.dtype, device=query.device)
    return torch.where(mask, zero, torch.finfo(query.dtype).min)


def _of_rows(options: dict[str, Any], rows: slice, queries: int) -> dict[str, Any]:
    bias = options.get("position_bias")
    if bias is None or bias.shape[-2] != queries:
        return options
    return options | {"position_bias": bias[..., rows, :]}
