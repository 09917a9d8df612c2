"""A generation as frames of a moving picture, decided as data: the text so far, what may come next, and what heads read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from attnviz.analysis.reading import HeadReading, Reader
from attnviz.renderers.generation.step import decided, head_title, word_name
from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.numbers import brief_percent
from attnviz.text.lessons import Lessons
from attnviz.trace.layer import WRITING
from attnviz.trace.trace import Trace
from attnviz.trace.written import written_steps

HEADS = 4  # that one frame has room for
WORDS, OF_FOUR = 3, 2  # of each, and of each of four heads
CANDIDATES = 8  # the same of tokens that may come next


class Bar(NamedTuple):
    """A word with a share of 1, drawn as long; ``chosen`` marks the token that was."""

    label: str
    share: float
    value: str
    chosen: bool = False


class Group(NamedTuple):
    """Bars below a title."""

    title: str
    bars: tuple[Bar, ...]


class Frame(NamedTuple):
    """One step.

    words  of the text so far; token, the one that was chosen
    next   what may come next
    heads  what each head read
    """

    words: tuple[str, ...]
    token: str
    next: Group
    heads: tuple[Group, ...]


def frames(trace: Trace, reader: Reader, lessons: Lessons) -> Iterator[Frame]:
    """A frame for each step by which the model wrote what ``trace`` holds; ``reader`` says what which heads read."""
    tokens = max((trace.query_tokens(layer) for layer in trace.layers if layer.stack in WRITING), key=len)
    steps = list(written_steps(trace))
    for written in steps:
        step = decided(written, reader.of(written)[:HEADS])
        chosen = (name(step.token), step.probability)
        candidates = sorted([chosen, *((name(token), share) for token, share in step.runners)], key=lambda one: -one[1])
        most = OF_FOUR if len(step.readings) == HEADS else WORDS
        heads = tuple(_group(reading, most, lessons) for reading in step.readings)
        title = lessons.say("generate.next", step=written.step, count=len(steps))
        bars = _bars(candidates[:CANDIDATES], chosen)
        read = tokens[: len(tokens) - len(steps) + written.step]
        yield Frame(tuple(map(name, read)), chosen[0], Group(title, bars), heads)


def _group(reading: HeadReading, most: int, lessons: Lessons) -> Group:
    return Group(head_title(reading, lessons), _bars([(word_name(word), word.weight) for word in reading.words[:most]]))


def _bars(words: Sequence[tuple[str, float]], chosen: tuple[str, float] | None = None) -> tuple[Bar, ...]:
    return tuple(Bar(label, share, brief_percent(share), (label, share) == chosen) for label, share in words)
