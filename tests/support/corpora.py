"""Corpora to measure, and what two measurements of one must have in common."""

from __future__ import annotations

import random
from typing import Any

import numpy

from attnviz.analysis.corpus import Statistics
from attnviz.corpora.job import Job
from attnviz.sources.texts.corpus import CorpusText

WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "a",
    "mat",
    "while",
    "Ann",
    "and",
    "Bob",
    "went",
    "home",
    "again",
    "to",
    "feed",
    "the",
    "dog",
]
TINY = Job(model="tiny", layer=("0",))


def corpus(count: int, seed: int = 1) -> list[CorpusText]:
    """So many texts of three to nine words."""
    drawn = random.Random(seed)
    texts = (" ".join(drawn.choices(WORDS, k=drawn.randint(3, 9))) for _ in range(count))
    return [CorpusText(number, f"line {number}", text) for number, text in enumerate(texts, start=1)]


def numbers(statistics: Statistics) -> numpy.ndarray:
    """Every mean, deviation and count, (heads, metrics, 3)."""
    return numpy.array([[tuple(vars(value).values()) for value in head.values.values()] for head in statistics.heads()])


def one_pass(texts: list[CorpusText], job: Any = TINY) -> Statistics:
    """What one process finds that adds one text after the other, without any merging."""
    return job.worker()(texts)


def assert_same(one: Statistics, other: Statistics) -> None:
    """Equal to 1e-12, and of as many texts."""
    counted = [(each.texts, each.tokens, each.skipped) for each in (one, other)]
    assert counted[0] == counted[1]
    numpy.testing.assert_allclose(numbers(one), numbers(other), rtol=0, atol=1e-12)
