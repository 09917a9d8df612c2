"""The rules that the GPU's kernels take, for the tests on a GPU and those in Triton's interpreter."""

from __future__ import annotations

from collections.abc import Callable

import numpy

from attnviz import Rule

# Each for four heads and at least so many queries and keys, to which its distances are in proportion. Offsets leave queries
# before the first key, and after the last, with nothing to see.
KERNEL_RULES: dict[str, Callable[[int], Rule]] = {
    "full": lambda _: Rule(),
    "causal": lambda _: Rule(causal=True, query_offset=0),
    "softcap": lambda tokens: Rule(causal=True, query_offset=tokens // 7, softcap=2.0),
    "negative scale": lambda _: Rule(scale=-0.2),
    "window": lambda tokens: Rule(causal=True, query_offset=tokens // 3, window=2 * tokens // 3),
    "two-sided window": lambda tokens: Rule(query_offset=-tokens // 2, window=tokens // 4),
    "sinks": lambda tokens: Rule(causal=True, query_offset=-tokens // 3, sinks=numpy.linspace(-2, 2, 4)),
}
