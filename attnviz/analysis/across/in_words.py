"""Attention that is followed from token to token, and told from word to word: what goes to a word is the sum of what goes to its
tokens, and what comes from it is the mean, as of the weights of one layer (analysis/words.py). Rows still add up to 1.

The tokens are followed, and merged at the end: words that were merged layer by layer would mix what only one of their tokens has read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy

from attnviz.analysis.across.way import Way
from attnviz.analysis.word_groups import Groups, groups_of
from attnviz.analysis.words import by_words
from attnviz.trace.trace import Trace


class Merging(NamedTuple):
    """The tokens that are followed, and the words of which they are.

    way    the layers through which the tokens are followed
    words  which tokens each word has
    """

    way: Way
    words: Groups

    def tokens(self, words: Sequence[int]) -> list[list[int]]:
        """The tokens of each of ``words``."""
        ranges = self.words.ranges
        return [list(ranges[word]) for word in words]

    def to_words(self, values: numpy.ndarray) -> numpy.ndarray:
        """Columns of tokens, (rows, tokens), as columns of words: their sums; −∞ where no way leads to any token of a word."""
        there = values > -math.inf
        sums = numpy.add.reduceat(numpy.where(there, values, 0.0), self.words.starts, axis=1)
        return numpy.where(numpy.logical_or.reduceat(there, self.words.starts, axis=1), sums, -math.inf)

    def from_words(self, values: numpy.ndarray, words: Sequence[int]) -> numpy.ndarray:
        """Rows of the tokens of ``words``, one behind the other, as rows of words: their means, of what is −∞ as of 0; −∞ where
        all are."""
        there, sizes = values > -math.inf, self.words.sizes[list(words)]
        starts = numpy.cumsum(sizes) - sizes
        sums = numpy.add.reduceat(numpy.where(there, values, 0.0), starts, axis=0)
        return numpy.where(numpy.logical_or.reduceat(there, starts, axis=0), sums / sizes[:, None], -math.inf)


def in_words(trace: Trace, way: Way) -> tuple[Trace, Merging]:
    """The words of the layer at the end of ``way``, in which queries and keys are chosen and named, and how they are merged."""
    last = way.layers[0]
    groups = groups_of(trace.query_facts(last).words, last.queries)
    return by_words(trace, [f"{last.stack} {last.index}".strip()]), Merging(way, groups)
