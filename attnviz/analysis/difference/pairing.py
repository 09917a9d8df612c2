"""Which head of one trace stands beside which of another: those of the same layer and number, or two that a person names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from attnviz.errors import AttnvizError, UsageError
from attnviz.text.display import shorten, shown
from attnviz.text.message import AND, Message, joined
from attnviz.trace.layer import Layer
from attnviz.trace.layer_facts import layer_words
from attnviz.trace.selection import LayerSelection, select
from attnviz.trace.trace import Trace

HEAD = re.compile(r"((?:[a-z]+ )?\d{1,9})\.(\d{1,9})")  # 3.4, cross 3.4


class HeadPlace(NamedTuple):
    """A head: the title of its layer, that layer's number, and its own."""

    title: str
    layer: int
    head: int


class LayerPair(NamedTuple):
    """Two layers, and which of their heads stand beside each other, (left, right)."""

    left: LayerSelection
    right: LayerSelection
    heads: list[tuple[int, int]]


class Pairs(NamedTuple):
    """What stands beside each other; and the heads that only the left trace has, or the right."""

    layers: list[LayerPair]
    only: tuple[list[HeadPlace], list[HeadPlace]] = ([], [])


def paired(left: Sequence[LayerSelection], right: Sequence[LayerSelection]) -> Pairs:
    """Layers of the same stack and number, and in these the heads of the same number."""
    others = {_name(one.layer): one for one in right}
    pairs = []
    for one in left:
        other = others.get(_name(one.layer))
        shared = [] if other is None else sorted(set(one.heads) & set(other.heads), key=one.heads.index)
        if other is not None and shared:
            pairs.append(LayerPair(one, other, [(head, head) for head in shared]))
    there = {(_name(pair.left.layer), head) for pair in pairs for head, _ in pair.heads}
    return Pairs(pairs, (_lonely(left, there), _lonely(right, there)))


def head_meant(side: str, words: str, trace: Trace) -> LayerSelection:
    """The one head of ``trace`` that ``words`` mean, LAYER.HEAD, with the name of a stack in front where a model has several.

    ``side`` is "left" or "right". UsageError where the words have another form, AttnvizError where there is no such head.
    """
    layer, head = layer_and_head(side, words)
    layers = select(trace, layer=[layer], head=[head]).layers
    if len(layers) > 1:
        raise AttnvizError(
            "--{side} {words}: {layers} both have such a head",
            Message("name one: --{side} '{title}.{head}'", side=side, title=layers[0].layer.title, head=head),
            side=side,
            words=words.strip(),
            layers=joined([layer_words(one.layer.title) for one in layers[:2]], AND),
        )
    return layers[0]


def require_one_way(layer: Sequence[str], head: Sequence[str]) -> None:
    """Refuse ``layer`` and ``head`` where two heads are named already."""
    if layer or head:
        raise UsageError("--left and --right name two heads, and --layer and --head others", "leave out one of both")


def layer_and_head(side: str, words: str) -> tuple[str, str]:
    """LAYER.HEAD as ``select`` takes both: "3.4", "cross 3.4". UsageError where ``words`` have another form."""
    found = HEAD.fullmatch(words.strip())
    if found is None:
        raise UsageError(
            "--{side} {words}: expected LAYER.HEAD, such as 3.4", side=side, words=shorten(shown(words), 40)
        )
    return found[1].strip(), found[2]


def _name(layer: Layer) -> tuple[str, int]:
    return layer.stack, layer.index


def _lonely(selected: Sequence[LayerSelection], there: set[tuple[tuple[str, int], int]]) -> list[HeadPlace]:
    """The heads of ``selected`` that are not ``there``."""
    return [
        HeadPlace(one.layer.title, one.layer.index, head)
        for one in selected
        for head in one.heads
        if (_name(one.layer), head) not in there
    ]
