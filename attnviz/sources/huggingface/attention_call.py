"""One call of transformers' attention interface: what a model's attention is given."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import torch

from attnviz.sources.huggingface.seams import Kernel, registered_attention


class AttentionCall(NamedTuple):
    """What a module gives to its attention.

    implementation  what the model asked for before it was watched: "sdpa", "eager", …
    query           (batch, heads, queries, d_k)
    key, value      (batch, kv_heads, keys, d)
    mask            None, or (batch, heads or 1, queries, keys): bool, True = may attend, or float, added to the scores
    options         all else, by name: scaling, softcap, sliding_window, s_aux (sinks), position_bias, …
    """

    implementation: str | None
    module: torch.nn.Module
    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    mask: torch.Tensor | None
    options: dict[str, Any]

    @property
    def queries(self) -> int:
        """How many there are."""
        return int(self.query.shape[-2])

    @property
    def keys(self) -> int:
        """How many there are."""
        return int(self.key.shape[-2])

    @property
    def alike(self) -> Hashable:
        """What is the same in calls that follow the same rule, over as many queries and keys, as long as their mask is kept; None where
        nobody can tell without a look at numbers."""
        asked = [self.options.get(name) for name in ("scaling", "sliding_window", "softcap")]
        told = all(one is None or isinstance(one, int | float) for one in asked)
        if not told or any(self.options.get(name) is not None for name in ("position_bias", "s_aux")):
            return None
        own = self.mask
        mask = None if own is None else (own.data_ptr(), own.dtype, own.shape, own.stride())
        return (mask, *asked, self.is_causal, self.query.shape, self.key.shape, self.value.shape)

    @property
    def is_plain(self) -> bool:
        """Whether the model's own plain code computes this, rather than torch's scaled_dot_product_attention."""
        return is_plain(self.implementation, self.options)

    @property
    def own_kernel(self) -> Kernel | None:
        """The function that somebody registered with transformers under the name that this model asks for, if there is one."""
        return registered_attention(self.implementation)

    @property
    def rounds_each_step(self) -> bool:
        """Whether it is computed by code that may round every step to its dtype."""
        return self.is_plain or self.own_kernel is not None

    @property
    def is_causal(self) -> bool:
        """Whether a query sees only the keys up to its own place though no mask says so: sdpa does it then, plain code
        never."""
        if self.implementation == "eager" or self.mask is not None:
            return False
        given = self.options.get("is_causal")
        return self.queries > 1 and bool(getattr(self.module, "is_causal", True) if given is None else given)


def is_plain(implementation: str | None, options: dict[str, Any]) -> bool:
    """Whether a model's own plain code computes its attention: sdpa knows neither softcap nor sinks."""
    return implementation == "eager" or options.get("softcap") is not None or options.get("s_aux") is not None
