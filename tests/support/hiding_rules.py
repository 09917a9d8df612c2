"""Rules that hide cells in every way there is: the same ones go through attend() and through everything that shows it."""

from __future__ import annotations

from typing import Any

import numpy

from attnviz.attention.rule import Rule

TOKENS = 7
HEADS, KEY_HEADS, WIDTH = 4, 2, 5
FLOATS = (numpy.float16, numpy.float32, numpy.float64)
LOWERED = (-1.0, -30.0, -700.0, -750.0, -760.0, -2000.0, -1e4, -1e9, "least")  # "least": the lowest number of the type


def arrays(kind: Any = numpy.float64, seed: int = 0) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Query (heads, tokens, d), and key and value of half as many heads."""
    random = numpy.random.default_rng(seed)
    shapes = (HEADS, TOKENS, WIDTH), (KEY_HEADS, TOKENS, WIDTH), (KEY_HEADS, TOKENS, WIDTH)
    query, key, value = (random.normal(size=shape).astype(kind) for shape in shapes)
    return query, key, value


def biases(kind: Any) -> dict[str, numpy.ndarray]:
    """Single cells, whole columns and whole rows, lowered by a little, by much, and by all that the type has."""
    found, random = {}, numpy.random.default_rng(1)
    cells = random.random((TOKENS, TOKENS)) < 0.3
    rows, columns = numpy.arange(TOKENS)[:, None] == 2, numpy.arange(TOKENS)[None, :] < 2
    for amount in LOWERED:
        low = numpy.finfo(kind).min if amount == "least" else max(amount, float(numpy.finfo(kind).min))
        for where, hides in (
            ("cells", cells),
            ("a row", rows),
            ("columns", columns),
            ("a row and cells", rows | cells),
        ):
            found[f"{where} by {amount}"] = numpy.where(hides, low, 0.0).astype(kind) * numpy.ones(
                (TOKENS, TOKENS), kind
            )
    far = 3e4 if kind is numpy.float16 else 1e9
    found["a row, and cells of it twice as far"] = numpy.where(rows, -far, 0.0) - numpy.where(rows & columns, far, 0.0)
    found["−∞ in cells, a row by 1e4"] = numpy.where(cells, -numpy.inf, numpy.where(rows, -1e4, 0.0))
    found["a head's own"] = numpy.where(random.random((HEADS, TOKENS, TOKENS)) < 0.3, -1e4, 0.5)
    return {name: bias.astype(kind) for name, bias in found.items()}


def rules(kind: Any = numpy.float64) -> dict[str, Rule]:
    """Masks, intervals and biases, alone and together."""
    random = numpy.random.default_rng(2)
    mask = random.random((TOKENS, TOKENS)) < 0.6
    mask[3] = False  # a query that sees nothing
    made = {
        "nothing": Rule(),
        "causal": Rule(causal=True),
        "window": Rule(causal=True, window=3),
        "ahead too": Rule(window=2),
        "mask": Rule(mask=mask),
        "padding": Rule(causal=True, mask=(numpy.arange(TOKENS) > 1)[None, :]),
        "a head's own mask": Rule(mask=random.random((HEADS, TOKENS, TOKENS)) < 0.5),
        "offset": Rule(causal=True, query_offset=-2),
    }
    for name, bias in biases(kind).items():
        made[name] = Rule(bias=bias)
        made[f"{name}, causal"] = Rule(bias=bias, causal=True)
    some = biases(kind)["cells by -10000.0"]
    sinks = numpy.linspace(-1, 1, HEADS)
    made["bias, mask and window"] = Rule(bias=some, mask=mask, window=4)
    made["bias and sinks"] = Rule(bias=some, sinks=sinks)
    made["bias and softcap"] = Rule(bias=some, softcap=2.0, causal=True)
    near = biases(kind)["cells by -750.0"]
    made["scores near enough to decide, capped"] = Rule(bias=near, softcap=0.25)
    made["scores near enough to decide, uncapped"] = Rule(bias=near, scale=2.0)
    made["bias and a negative scale"] = Rule(bias=some, scale=-1.5)
    return made
