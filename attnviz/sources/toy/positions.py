"""Position encodings: sinusoids that are added, rotations, and a bias by distance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy

from attnviz.attention.rule import Rule
from attnviz.attention.toeplitz import spread
from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from attnviz.trace.rotation import Rotation


def sinusoids(tokens: int, width: int) -> numpy.ndarray:
    """Sine and cosine of each position at falling frequencies, (tokens, width): Vaswani et al. 2017, section 3.5."""
    pairs = numpy.arange(0, width, 2)
    angles = numpy.arange(tokens)[:, None] / 10000 ** (pairs / width)  # (tokens, pairs)
    return numpy.stack([numpy.sin(angles), numpy.cos(angles)], axis=-1).reshape(tokens, -1)[:, :width]


def rotation(width: int) -> Rotation:
    """The rotary embedding of heads of ``width`` numbers, which is even: each pair (2i, 2i + 1) turned by
    position · 10000^(−2i/d)."""
    if width % 2:
        raise AttnvizError(
            "rope turns pairs of dimensions, but a head has {width}", "choose an even --dim for each head", width=width
        )
    from attnviz.trace.rotation import Rotation

    return Rotation(10000.0 ** (-numpy.arange(0, width, 2) / width))


def alibi_slopes(heads: int) -> numpy.ndarray:
    """One slope a head, 2^(−8/n), 2^(−16/n), …: Press et al. 2021, "Train Short, Test Long" (2108.12409)."""
    return 2.0 ** (-8 * numpy.arange(1, heads + 1) / heads)


def with_alibi(rule: Rule, heads: int, tokens: int) -> Rule:
    """``rule`` with a penalty of slope × distance as its bias, (heads, tokens, tokens)."""
    distances = numpy.abs(numpy.arange(1 - tokens, tokens))
    penalty = spread(-alibi_slopes(heads)[:, None] * distances, tokens)  # (heads, tokens, tokens)
    return replace(rule, bias=penalty if rule.bias is None else rule.bias + penalty)
