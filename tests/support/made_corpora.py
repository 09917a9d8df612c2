"""Texts of a corpus, made up: traces of two layers, of which some tokens repeat, and the statistics of some of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy

from attnviz import Layer, Rule, Trace
from attnviz.analysis.corpus import Statistics
from attnviz.trace.selection import select

WORDS = ("a", "b", "c", "a", "d", "b", "a")
TEXTS = 9


@lru_cache
def text(number: int, layers: int = 2) -> Trace:
    """One text, always the same of its ``number``: the first is a single token, of which most metrics have no value."""
    draw = numpy.random.default_rng(number)
    tokens = WORDS[: 1 + number % len(WORDS)]
    arrays = [tuple(draw.standard_normal((2, len(tokens), 3)) for _ in range(3)) for _ in range(layers)]
    made = tuple(Layer(*one, Rule(causal=True), index) for index, one in enumerate(arrays))
    source = {"kind": "model", "model": "made-up", "agreement": {"largest_error": number * 1e-7}}
    return Trace(tokens, made, source)


def measured(numbers: Iterable[int], layers: int = 2, **options: Any) -> Statistics:
    """The statistics of these texts, each called by its number."""
    statistics = Statistics(**options)
    for number in numbers:
        trace = text(number, layers)
        statistics.add(trace, select(trace), name=f"line {number}")
    return statistics


def values(numbers: Iterable[int]) -> numpy.ndarray:
    """What is measured of these texts, kept: (texts, layers, metrics, heads)."""
    return numpy.array([[layer.values for layer in measured([number]).rows().layers] for number in numbers])
