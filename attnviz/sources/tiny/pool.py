"""Sentences of the grammar as arrays: a stream of words, from which training cuts its windows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy

from attnviz.sources.tiny.grammar import KINDS, Grammar
from attnviz.sources.tiny.letters import spelling
from attnviz.sources.tiny.words import IDS

KIND_IDS = {kind: number for number, kind in enumerate(KINDS)}
UNKNOWN = -1


@dataclass(frozen=True)
class Pool:
    """Sentences one after the other.

    words     the different words, in the order of their first use
    ids       (words,): each one's id in the vocabulary, −1 where it has none
    spelled   (words, A_WORD): the rows of the spelling table
    stream    (tokens,): which of the words each token is
    kinds     (tokens,): the kind of sentence that it is in
    asked     (tokens,): whether its next word answers a question
    starts    (sentences,): where each sentence begins
    """

    words: list[str]
    ids: numpy.ndarray
    spelled: numpy.ndarray
    stream: numpy.ndarray
    kinds: numpy.ndarray
    asked: numpy.ndarray
    starts: numpy.ndarray

    def windows(self, draw: numpy.random.Generator, count: int, length: int) -> tuple[numpy.ndarray, numpy.ndarray]:
        """``count`` windows, each from the beginning of a sentence on: places of tokens and of those after, (count, length)."""
        begins = self.starts[self.starts < len(self.stream) - length - 1]
        places = draw.choice(begins, count)[:, None] + numpy.arange(length)
        return places, places + 1


def drawn_pool(seed: int | str, sentences: int, made_up: float = 0.3) -> Pool:
    """``sentences`` of the grammar, the same ones for the same seed."""
    table: dict[str, int] = {}
    stream: list[int] = []
    kinds: list[int] = []
    asked: list[bool] = []
    starts: list[int] = []
    for sentence in islice(Grammar(seed, made_up).sentences(), sentences):
        starts.append(len(stream))
        questions = {relation.question for relation in sentence.relations}
        stream += [table.setdefault(token, len(table)) for token in sentence.tokens]
        kinds += [KIND_IDS[sentence.kind]] * len(sentence.tokens)
        asked += [place in questions for place in range(len(sentence.tokens))]
    words = list(table)
    return Pool(
        words,
        numpy.array([IDS.get(word, UNKNOWN) for word in words]),
        numpy.array([spelling(word) for word in words]),
        numpy.array(stream),
        numpy.array(kinds),
        numpy.array(asked),
        numpy.array(starts),
    )
