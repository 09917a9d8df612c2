"""Seeded layers with every rule that attend() knows, above all the biases that hide, or lower a row as a whole."""

from __future__ import annotations

from typing import Any

import numpy

from attnviz import Layer, Rule

TYPES = ("float16", "float32", "float64")
DEPTHS = (-1.0, -80.0, -700.0, -1e4 / 3, -1e4, -1e9, None)  # None: the lowest number of the type
PLACES = ("cells", "rows", "rows and cells", "columns", "all", "causal triangle")


def generated_layers(count: int, queries: int, keys: int, seed: int = 0) -> list[Layer]:
    """``count`` layers of 4 heads with 2 key/value heads each, their tokens those of one trace; every type, every depth of
    a bias and every place of it occur, with every other option at random.

    The numbers are multiples of 1/8: their scores are exact in single precision, whatever the order of their sum.
    """
    draw = numpy.random.default_rng(seed)
    return [_layer(draw, number, queries, keys) for number in range(count)]


def _layer(draw: numpy.random.Generator, number: int, queries: int, keys: int) -> Layer:
    kind = TYPES[number % len(TYPES)]
    depth = DEPTHS[number // len(TYPES) % len(DEPTHS)]
    place = PLACES[number // (len(TYPES) * len(DEPTHS)) % len(PLACES)]
    arrays = (
        (numpy.rint(draw.standard_normal(shape) * 8) / 8).astype(kind)
        for shape in ((4, queries, 4), (2, keys, 4), (2, keys, 4))
    )
    lowest = float(numpy.finfo(kind).min) if depth is None else depth
    bias = _bias(draw, place, lowest, (draw.choice([1, 4]), queries, keys))
    bias = bias.astype(draw.choice([kind if kind != "float16" else "float32", "float64"]))
    key_tokens = tuple(f"key{position}" for position in range(keys))
    return Layer(*arrays, Rule(**_options(draw, queries, keys), bias=bias), index=number, key_tokens=key_tokens)


def _bias(draw: numpy.random.Generator, place: str, lowest: float, shape: tuple[int, ...]) -> numpy.ndarray:
    """Small numbers, and ``lowest`` in some of the cells."""
    _, queries, keys = shape
    rows, columns = draw.random((shape[0], queries, 1)) < 0.4, draw.random((shape[0], 1, keys)) < 0.4
    lowered = {
        "cells": draw.random(shape) < 0.4,
        "rows": rows,
        "rows and cells": rows | (draw.random(shape) < 0.3),
        "columns": columns,
        "all": numpy.ones(shape, bool),
        "causal triangle": ~numpy.tri(queries, keys, keys - queries, dtype=bool),
    }[place]
    small = numpy.rint(draw.standard_normal(shape) * 8) / 8
    if draw.random() < 0.3:
        small[draw.random(shape) < 0.2] = -numpy.inf
    return numpy.where(lowered, lowest, small if draw.random() < 0.5 else numpy.where(small == -numpy.inf, small, 0.0))


def _options(draw: numpy.random.Generator, queries: int, keys: int) -> dict[str, Any]:
    """Each of the other options, or not."""

    def maybe(value: Any, chance: float = 0.3) -> Any:
        return value if draw.random() < chance else None

    return {
        "scale": maybe(0.3),
        "causal": bool(draw.random() < 0.3),
        "query_offset": keys - queries,
        "window": maybe(4),
        "softcap": maybe(3.3),
        "mask": maybe(draw.random((draw.choice([1, 4]), queries, keys)) < 0.7),
        "sinks": maybe(numpy.rint(draw.standard_normal(4) * 8) / 8),
    }
