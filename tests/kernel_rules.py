"""The rules that the GPU's kernels take, for the tests on a GPU and those in Triton's interpreter."""

from __future__ import annotations

from collections.abc import Callable

import numpy

from attnviz import Rule

# Each for four heads and so many tokens, to which its distances are in proportion.
KERNEL_RULES: dict[str, Callable[[int], Rule]] = {
    "full": lambda _: Rule(),
    "causal": lambda _: Rule(causal=True),
    "window": lambda tokens: Rule(causal=True, window=tokens // 14),
    "two-sided window": lambda tokens: Rule(window=2 * tokens // 7),
    "softcap": lambda _: Rule(causal=True, softcap=2.0),
    "negative scale": lambda _: Rule(causal=True, scale=-0.2),
    "offset": lambda tokens: Rule(causal=True, query_offset=tokens // 7),
    "blind rows": lambda tokens: Rule(causal=True, query_offset=-tokens // 7),
    "sinks": lambda _: Rule(causal=True, sinks=numpy.linspace(-2, 2, 4)),
}
