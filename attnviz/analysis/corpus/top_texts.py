"""The texts in which heads do something most: of each metric of each head the few with its largest values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy

from attnviz.errors import AttnvizError
from attnviz.text.display import shorten, shown_line
from attnviz.text.message import Message
from attnviz.trace.origin import Origin
from attnviz.trace.schema import TEXT, Kind, list_of

CELLS = 80  # of a text that are kept of it
READ = 400  # characters of a text that are looked at for them
FORGET = 1024  # texts, at the least, between two looks at which of them are still among the top
NOBODY = -1  # the number of no text
NUMBER = re.compile(r"(\d{1,18})")

_PAIR: Kind = Kind(
    Message("a name and the beginning of a text"),
    lambda value: isinstance(value, list) and len(value) == 2,
    items=TEXT,
)
NAMED_TEXTS: Kind = list_of(_PAIR, Message("a list of texts"))


class TopText(NamedTuple):
    """A text in which a head does something most: its name, how it begins, and the value."""

    name: str
    excerpt: str
    value: float


class _Layer(NamedTuple):
    """Of a layer the largest values, (metrics, heads, most), the largest first and NaN where there are fewer; and the numbers
    of their texts."""

    values: numpy.ndarray
    texts: numpy.ndarray


class TopTexts:
    """The ``most`` texts with the largest values of each metric of each head. Of the same values, those of the earlier text."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._layers: dict[str, _Layer] = {}
        self._texts: dict[int, tuple[str, str]] = {}
        self._next, self._full = 0, FORGET

    def plus(self, name: str, excerpt: str, layers: Iterable[tuple[str, numpy.ndarray]]) -> TopTexts:
        """The same with one more text, and the values of the metrics of its heads by the title of their layer."""
        if not self.most:
            return self
        given, number = dict(layers), self._next
        before: Mapping[str, _Layer] = {
            title: self._layers.get(title) or _nothing(one.shape, self.most) for title, one in given.items()
        }
        after = _with_one(before, given, number)
        if after is before and given.keys() <= self._layers.keys():
            return self
        found = TopTexts(self.most)
        found._layers = {**self._layers, **after}
        found._texts, found._next, found._full = {**self._texts, number: (name, excerpt)}, number + 1, self._full
        return found._tidied() if len(found._texts) > found._full else found

    def merged(self, other: TopTexts) -> TopTexts:
        """The texts of both; of the same values, those of the text whose name comes first."""
        both = TopTexts(self.most)
        shift = self._next
        both._texts = self._texts | {number + shift: text for number, text in other._texts.items()}
        both._next = shift + other._next
        ranks = _ranks(both._texts)
        moved = {title: _shifted(layer, shift) for title, layer in other._layers.items()}
        both._layers = {
            title: _largest(self._layers.get(title), moved.get(title), ranks) for title in {**self._layers, **moved}
        }
        return both._tidied()

    def of(self, title: str, row: int, column: int) -> list[TopText]:
        """The texts of one metric of one head, the largest value first."""
        layer = self._layers.get(title)
        if layer is None:
            return []
        pairs = zip(layer.texts[row, column].tolist(), layer.values[row, column].tolist(), strict=True)
        return [TopText(*self._texts[number], value) for number, value in pairs if number != NOBODY]

    def record(self) -> list[list[str]]:
        """The texts, as JSON holds them."""
        return [list(text) for text in self._tidied()._texts.values()]

    def arrays(self, title: str, prefix: str) -> dict[str, numpy.ndarray]:
        """The values and texts of one layer, by names that begin with ``prefix``; the texts count as in ``record``."""
        layer = self._tidied()._layers.get(title)
        return {} if layer is None else {f"{prefix}.values": layer.values, f"{prefix}.texts": layer.texts}

    @classmethod
    def of_arrays(
        cls,
        most: int,
        texts: list[list[str]],
        arrays: Mapping[str, Any],
        layers: Mapping[str, tuple[str, tuple[int, int]]],
    ) -> TopTexts:
        """What was written of ``layers``, each with its prefix and its metrics and heads; AttnvizError where it was not."""
        found = cls(most)
        found._texts = {number: (shown_line(name), shown_line(excerpt)) for number, (name, excerpt) in enumerate(texts)}
        found._next = len(texts)
        for title, (prefix, shape) in layers.items() if most else ():
            values, numbers = arrays.get(f"{prefix}.values"), arrays.get(f"{prefix}.texts")
            whole = (*shape, most)
            if values is None or numbers is None or values.shape != whole or numbers.shape != whole:
                raise AttnvizError("{name} is missing, or of another shape", name=prefix)
            sound = values.dtype == numpy.float64 and numbers.dtype == numpy.int64 and not numpy.isinf(values).any()
            if not sound or (numbers < NOBODY).any() or (numbers >= len(texts)).any() or _unmatched(values, numbers):
                raise AttnvizError("{name} holds numbers that cannot be", name=prefix)
            found._layers[title] = _Layer(values.astype(float), numbers.astype(int))
        return found

    def _tidied(self) -> TopTexts:
        """The same, without texts that are no longer among the top of any head, and counted anew."""
        kept = numpy.unique(
            numpy.concatenate([[NOBODY], *(layer.texts.reshape(-1) for layer in self._layers.values())])
        )[1:]
        found = TopTexts(self.most)
        found._texts = {place: self._texts[number] for place, number in enumerate(kept.tolist())}
        found._next, found._full = len(kept), 2 * len(kept) + FORGET
        found._layers = {
            title: layer._replace(
                texts=numpy.where(layer.texts == NOBODY, NOBODY, numpy.searchsorted(kept, layer.texts))
            )
            for title, layer in self._layers.items()
        }
        return found


def excerpt_of(source: Origin, tokens: Sequence[str] = ()) -> str:
    """How the text that was read begins, on one line; where nobody knows it, how its ``tokens`` do."""
    text = source.original[:READ] or " ".join(tokens[:READ])
    return shorten(shown_line(" ".join(text.split())), CELLS)


def _nothing(shape: tuple[int, ...], most: int) -> _Layer:
    return _Layer(numpy.full((*shape, most), math.nan), numpy.full((*shape, most), NOBODY))


def _with_one(layers: Mapping[str, _Layer], given: Mapping[str, numpy.ndarray], number: int) -> Mapping[str, _Layer]:
    """``layers`` with the values of one more text where they are larger than the least that is kept.

    All layers as one: of a short text, each by itself takes longer than its attention.
    """
    values = numpy.concatenate([layer.values.reshape(-1, layer.values.shape[-1]) for layer in layers.values()])
    new = numpy.concatenate([given[title].reshape(-1) for title in layers])
    least = values[:, -1]
    better = (new > least) | (numpy.isnan(least) & ~numpy.isnan(new))
    if not better.any():
        return layers
    texts = numpy.concatenate([layer.texts.reshape(-1, values.shape[-1]) for layer in layers.values()])
    all_values = numpy.column_stack([values[better], new[better]])
    all_texts = numpy.column_stack([texts[better], numpy.full(len(all_values), number)])
    order = numpy.argsort(-all_values, axis=1, kind="stable")[:, :-1]  # NaN last, and of equals the earlier
    values[better] = numpy.take_along_axis(all_values, order, axis=1)
    texts[better] = numpy.take_along_axis(all_texts, order, axis=1)
    found, start = {}, 0
    for title, layer in layers.items():
        own = slice(start, start + layer.values.shape[0] * layer.values.shape[1])
        found[title] = _Layer(values[own].reshape(layer.values.shape), texts[own].reshape(layer.texts.shape))
        start = own.stop
    return found


def _largest(one: _Layer | None, other: _Layer | None, ranks: numpy.ndarray) -> _Layer:
    """The largest values of both; of equals, those of the text of lower rank."""
    if one is None or other is None:
        only = other if one is None else one
        assert only is not None
        return only
    values = numpy.concatenate([one.values, other.values], axis=-1)
    texts = numpy.concatenate([one.texts, other.texts], axis=-1)
    order = numpy.lexsort((ranks[texts], -values), axis=-1)[
        ..., : one.values.shape[-1]
    ]  # NOBODY has NaN, and comes last
    return _Layer(numpy.take_along_axis(values, order, axis=-1), numpy.take_along_axis(texts, order, axis=-1))


def _shifted(layer: _Layer, shift: int) -> _Layer:
    return layer._replace(texts=numpy.where(layer.texts == NOBODY, NOBODY, layer.texts + shift))


def _ranks(texts: Mapping[int, tuple[str, str]]) -> numpy.ndarray:
    """The place of each text, by its number, in the order of their names, in which 9 comes before 10; NOBODY's is last of all."""
    ranks = numpy.full(max(texts, default=0) + 2, len(texts))
    for rank, number in enumerate(sorted(texts, key=lambda number: (_natural(texts[number][0]), number))):
        ranks[number] = rank
    return ranks


def _natural(name: str) -> list[tuple[int, int, str]]:
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in NUMBER.split(name) if part]


def _unmatched(values: numpy.ndarray, texts: numpy.ndarray) -> bool:
    """Whether a value has no text, or a text no value."""
    return bool((numpy.isnan(values) != (texts == NOBODY)).any())
