"""What is known of heads after some texts, whatever is measured of them, and the file that it is saved as."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Container, Iterable, Mapping, Sequence
from enum import StrEnum
from math import inf, isnan
from typing import Any, ClassVar, TypeVar

import numpy

from attnviz.analysis.corpus.alike import require_same
from attnviz.analysis.corpus.by_text import TextRows
from attnviz.analysis.corpus.by_text_arrays import rows_arrays
from attnviz.analysis.corpus.heads import Head
from attnviz.analysis.corpus.layers import LAYERS, both_of, layers_record
from attnviz.analysis.corpus.quantiles import Sketches
from attnviz.analysis.corpus.state_file import Packed, of_file, packed, require_of, require_record, unpacked
from attnviz.analysis.corpus.texts import TEXTS, Texts
from attnviz.analysis.corpus.top_texts import NAMED_TEXTS, TopText, TopTexts
from attnviz.choices import TOP_TEXTS_LIMITS
from attnviz.errors import AttnvizError
from attnviz.progress import whole_step
from attnviz.text.display import shown_line
from attnviz.text.message import Message
from attnviz.trace.origin import Origin
from attnviz.trace.schema import COUNT, SHARE, Kind, list_of

FIELDS = {
    "layers": LAYERS,
    "quantiles": list_of(SHARE, Message("a list of shares")),
    "top_texts": Kind(
        Message("a whole number, 0 or more"), lambda value: COUNT.fits(value) and value <= TOP_TEXTS_LIMITS.max
    ),
    "texts_of_top": NAMED_TEXTS,
}

Own = TypeVar("Own", bound="OfHeads")


class OfHeads(Texts):
    """What is known of the selected heads, over the texts so far: of each layer what it says itself, and beside that of each
    metric of each head quantiles, and the texts in which it does it most.

    metrics  what there is a value of for each head of each text, in the order in which it is shown
    quantiles  shares of the texts whose values are told: 0.5 is the median; nothing where no quantiles are kept
    top_texts  of each metric of each head, how many texts with the largest values are kept by name
    last     what was measured of the text that was added last
    of_texts what was measured of each text, where somebody keeps it, for the file alone; None, as a rule: nobody does

    KIND   what numbers they are, as a file says it; OPTIONS, what its record holds beside that of all texts and heads
    FALLS  the metrics of which the least is the most: that fall where a head matters

    What is counted of the texts themselves, ``Texts`` says.
    """

    KIND: ClassVar[str]
    OPTIONS: ClassVar[Mapping[str, Kind]]
    FALLS: ClassVar[frozenset[StrEnum]] = frozenset()

    last: TextRows | None = None
    of_texts: list[TextRows] | None = None

    def __init__(self, quantiles: Iterable[float] = (), top_texts: int = 0) -> None:
        super().__init__()
        self.quantiles, self.top_texts = tuple(sorted(set(quantiles))), top_texts
        self._layers: dict[str, Any] = {}
        self._sketches: dict[str, Sketches] = {}
        self._top = TopTexts(top_texts)

    @property
    @abstractmethod
    def kept(self) -> Sequence[StrEnum]:
        """Of what each row of the values of a layer is, (metrics, heads)."""

    @abstractmethod
    def heads(self, sort: Any = None) -> list[Head]:
        """All heads in the order of their layers, or those first that do most of ``sort``, and what has none last."""

    @abstractmethod
    def _record(self) -> dict[str, Any]:
        """What OPTIONS says, as JSON holds it."""

    @abstractmethod
    def _own_arrays(self) -> dict[str, numpy.ndarray]:
        """The arrays that are of no layer."""

    @classmethod
    @abstractmethod
    def _of_record(cls: type[Own], record: Mapping[str, Any]) -> Own:
        """What ``_record`` wrote, without any text."""

    @abstractmethod
    def _take_arrays(self, record: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]) -> None:
        """Take what ``_own_arrays`` and each layer wrote."""

    def rows(self) -> TextRows:
        """What was measured of the text that was added last, a row for each head; AttnvizError where there is none."""
        if self.last is None:
            raise AttnvizError("no text has been added yet")
        return self.last

    def show_quantiles(self, shares: Iterable[float]) -> None:
        """Tell the values of these shares of the texts; AttnvizError where no quantiles were kept."""
        if not self.quantiles:
            raise AttnvizError("no quantiles were kept of these texts", "measure them with --quantiles 0.5")
        self.quantiles = tuple(sorted(set(shares)))

    def ordered(self, rows: Iterable[Head], sort: StrEnum) -> list[Head]:
        """``rows`` by the mean of ``sort``, those that do most of it first, and what has none last."""
        sign = 1 if sort in self.FALLS else -1

        def place(row: Head) -> float:
            mean = row.values[sort].mean
            return inf if isnan(mean) else sign * mean

        return sorted(rows, key=place)

    def to_bytes(self) -> bytes:
        """All of it as the bytes of a .stats file, which ``from_bytes`` reads: safetensors, never pickled."""
        record = {
            **self._record(),
            **self.texts_record(),
            "layers": layers_record(self._layers),
            "quantiles": list(self.quantiles),
            "top_texts": self.top_texts,
            "texts_of_top": self._top.record(),
        }
        arrays = self._own_arrays()
        for place, (title, layer) in enumerate(self._layers.items()):
            arrays |= layer.arrays(f"layers.{place}") | self._top.arrays(title, f"layers.{place}.top")
            arrays |= self._sketches[title].arrays(f"layers.{place}.quantiles") if self.quantiles else {}
        if self.of_texts is not None:
            arrays |= rows_arrays(self.of_texts)
        return packed(Packed(self.KIND, record, arrays))

    @classmethod
    def from_bytes(cls: type[Own], content: bytes, name: str) -> Own:
        """What ``to_bytes`` wrote; AttnvizError, which calls it ``name``, where it is none, or damaged."""
        return cls.of_packed(unpacked(content, name), name)

    @classmethod
    def of_packed(cls: type[Own], content: Packed, name: str) -> Own:
        """The same of a file that has been unpacked."""
        record, arrays = content.record, content.arrays
        with of_file(name):
            require_of(content, cls.KIND)
            require_record(record, {**cls.OPTIONS, **FIELDS, **TEXTS})
            statistics = cls._of_record(record)
            statistics.take_texts(record)
            statistics._take_arrays(record, arrays)
            statistics._take_beside(record, arrays)
            return statistics

    def _take_beside(self, record: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]) -> None:
        """Take what a file holds beside what each layer says itself."""
        top: dict[str, tuple[str, tuple[int, int]]] = {}
        for place, layer in enumerate(record["layers"]):
            title, prefix = shown_line(layer["title"]), f"layers.{place}"
            shape = len(self.kept), len(layer["heads"])
            if self.quantiles:
                self._sketches[title] = Sketches.of_arrays(arrays, f"{prefix}.quantiles", shape, self.texts)
            top[title] = f"{prefix}.top", shape
        self._top = TopTexts.of_arrays(self.top_texts, record["texts_of_top"], arrays, top)

    def _add(self, rows: TextRows, excerpt: str, source: Origin, **changed: Any) -> None:
        """Count one more text: its ``rows``, how it begins, where it was read, and what else changes, by the names of attributes.

        All of it or, where it fails or is interrupted, nothing.
        """
        sketches = dict(self._sketches)
        values = [(layer.title, layer.values) for layer in rows.layers]
        for title, one in values if self.quantiles else ():
            sketches.setdefault(title, Sketches(one.shape))  # whose library may be missing
        top = self._top.plus(rows.name, excerpt, [(title, self._most(one)) for title, one in values])
        with whole_step():
            vars(self).update(
                changed | self.one_more(source, rows.tokens) | {"last": rows, "_top": top, "_sketches": sketches}
            )
            for title, one in values if self.quantiles else ():  # kept by the library, in place
                sketches[title].add(one)

    def _with_both(self: Own, other: Own, both: Own) -> Own:
        """``both``, which is empty, with the texts of these and of ``other``, but for what is of no layer and no text."""
        require_same("quantiles", bool(self.quantiles), bool(other.quantiles))
        counts, sketches = self.counts_with(other), both_of(self._sketches, other._sketches)
        alone = self._sketches.keys() ^ other._sketches.keys()  # which would else be those of one of the two
        vars(both).update(
            quantiles=tuple(sorted({*self.quantiles, *other.quantiles})),
            _layers=both_of(self._layers, other._layers),
            _sketches={title: one.copied() if title in alone else one for title, one in sketches.items()},
            _top=self._top.merged(other._top),
            **counts,
        )
        return both

    def _sketched(self) -> dict[str, numpy.ndarray]:
        """The quantiles of each layer by its title, (metrics, heads, shares)."""
        return {title: sketches.at(self.quantiles) for title, sketches in self._sketches.items()}

    def _beside(
        self, sketched: Mapping[str, numpy.ndarray], title: str, column: int, shown: Container[StrEnum]
    ) -> dict[str, Any]:
        """What a ``Head`` has beside its values: of each metric that is ``shown`` its quantiles and its top texts, where these
        are kept."""
        found, beside = sketched.get(title), {}
        metrics = [(row, one) for row, one in enumerate(self.kept) if one in shown]
        if found is not None:
            beside["quantiles"] = {one: found[row, column].tolist() for row, one in metrics}
        if self.top_texts:
            beside["top"] = {one: self._top_of(one, title, row, column) for row, one in metrics}
        return beside

    def _top_of(self, metric: StrEnum, title: str, row: int, column: int) -> list[TopText]:
        texts = self._top.of(title, row, column)
        return [one._replace(value=-one.value) for one in texts] if metric in self.FALLS else texts

    def _most(self, values: numpy.ndarray) -> numpy.ndarray:
        """Values, (metrics, heads), of which the largest are those in which most is done."""
        signs = [-1.0 if metric in self.FALLS else 1.0 for metric in self.kept]
        return values * numpy.array(signs)[:, None] if self.FALLS else values
