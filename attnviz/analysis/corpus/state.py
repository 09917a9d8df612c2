"""What is known of heads after some texts: merged with what is known after others, and saved as a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy

from attnviz.analysis.corpus.alike import require_alike, require_same
from attnviz.analysis.corpus.by_text import TextRows
from attnviz.analysis.corpus.by_text_arrays import rows_arrays
from attnviz.analysis.corpus.layer_state import LayerState
from attnviz.analysis.corpus.layers import LAYERS, both_of, layers_record
from attnviz.analysis.corpus.quantiles import Sketches
from attnviz.analysis.corpus.running import Running
from attnviz.analysis.corpus.state_file import (
    Packed,
    member,
    of_file,
    packed,
    require_of,
    require_record,
    running_arrays,
    running_of,
    unpacked,
)
from attnviz.analysis.corpus.texts import TEXTS, Texts
from attnviz.analysis.corpus.top_texts import NAMED_TEXTS, TopTexts
from attnviz.analysis.head_names import THRESHOLDS, HeadName
from attnviz.analysis.metrics import Metric
from attnviz.choices import NEAR, TOP_TEXTS_LIMITS, MeasuredStep, Pool
from attnviz.errors import AttnvizError
from attnviz.text.display import shown_line
from attnviz.text.message import Message
from attnviz.trace.schema import COUNT, FLAG, NUMBER, SHARE, TEXT, TOKENS, Kind, list_of, object_of

Region = tuple[range | None, range | None]

_SIDE = Kind(
    Message("two positions"), lambda value: isinstance(value, list) and len(value) == 2, items=COUNT
).or_null()  # a range of queries or of keys
FIELDS = {
    "near": COUNT,
    "pool": TEXT,
    "step": TEXT,
    "metrics": TOKENS,
    "thresholds": object_of(dict.fromkeys(HeadName, NUMBER)),
    "toward": TEXT,
    "skips_tokens": FLAG,
    "regions": list_of(
        Kind(Message("two ranges"), lambda value: isinstance(value, list) and len(value) == 2, items=_SIDE),
        Message("a list of ranges"),
    ),
    "layers": LAYERS,
    "quantiles": list_of(SHARE, Message("a list of shares")),
    "top_texts": Kind(
        Message("a whole number, 0 or more"), lambda value: COUNT.fits(value) and value <= TOP_TEXTS_LIMITS.max
    ),
    "texts_of_top": NAMED_TEXTS,
}

Own = TypeVar("Own", bound="State")


class State(Texts):
    """The metrics of the selected heads, over the texts so far.

    near     keys at a distance below this count as near
    pool     what stands for the queries of a text; names are of means, so there are none of the largest
    toward   the token, or OUTPUT, along which contributions are measured; "" where they are not
    step     of what the metrics are: weights, or the shares of contributions; names are of weights, so there are none of these
    metrics  what is measured, in the order in which it is shown
    thresholds  of the names, before they are held against chance
    regions  the queries and the keys that were looked at, None for all, of the texts of which not all were
    quantiles  shares of the texts whose values are told: 0.5 is the median; nothing where no quantiles are kept
    top_texts  of each metric of each head, how many texts with the largest values are kept by name
    skips_tokens whether a text had tokens that are left out
    of_texts what was measured of each text, where somebody keeps it, for the file alone; None, as a rule: nobody does

    What is counted of the texts themselves, ``Texts`` says.
    """

    of_texts: list[TextRows] | None = None

    def __init__(
        self,
        near: int = NEAR,
        pool: Pool = Pool.MEAN,
        metrics: Iterable[Metric] = tuple(Metric),
        thresholds: Mapping[HeadName, float] = THRESHOLDS,
        step: MeasuredStep = MeasuredStep.WEIGHTS,
        quantiles: Iterable[float] = (),
        top_texts: int = 0,
    ) -> None:
        super().__init__()
        self.near, self.pool, self.step, self.skips_tokens = near, pool, step, False
        self.metrics, self.thresholds = tuple(dict.fromkeys(metrics)), {**THRESHOLDS, **thresholds}
        self.regions: frozenset[Region] = frozenset()
        self.toward = ""
        self._layers: dict[str, LayerState] = {}
        self._left_out = Running(())
        self.quantiles, self.top_texts = tuple(sorted(set(quantiles))), top_texts
        self._sketches: dict[str, Sketches] = {}
        self._top = TopTexts(top_texts)

    def merged(self: Own, other: Own) -> Own:
        """The texts of both, as if one had added them all; AttnvizError where they were measured of another model, of other
        heads or otherwise. In whatever order and grouping, it is the same (``Running.merged``)."""
        require_alike(_flat(self._options()), _flat(other._options()))
        require_same("quantiles", bool(self.quantiles), bool(other.quantiles))
        if self.texts and other.texts:
            require_same("toward", self.toward, other.toward)
        counts = self.counts_with(other)
        shares = {*self.quantiles, *other.quantiles}
        both = type(self)(self.near, self.pool, self.metrics, self.thresholds, self.step, shares, self.top_texts)
        vars(both).update(
            _layers=both_of(self._layers, other._layers),
            _left_out=self._left_out.merged(other._left_out),
            _sketches=both_of(self._sketches, other._sketches),
            _top=self._top.merged(other._top),
            **counts,
            toward=self.toward or other.toward,
            regions=self.regions | other.regions,
            skips_tokens=self.skips_tokens or other.skips_tokens,
        )
        return both

    def show_quantiles(self, shares: Iterable[float]) -> None:
        """Tell the values of these shares of the texts; AttnvizError where no quantiles were kept."""
        if not self.quantiles:
            raise AttnvizError("no quantiles were kept of these texts", "measure them with --quantiles 0.5")
        self.quantiles = tuple(sorted(set(shares)))

    def to_bytes(self) -> bytes:
        """All of it as the bytes of a .stats file, which ``from_bytes`` reads: safetensors, never pickled."""
        record = {
            **self._options(),
            **self.texts_record(),
            "toward": self.toward,
            "skips_tokens": self.skips_tokens,
            "regions": [[_ends(side) for side in region] for region in self.regions],
            "layers": layers_record(self._layers),
            "quantiles": list(self.quantiles),
            "texts_of_top": self._top.record(),
        }
        arrays = running_arrays(self._left_out, "left_out")
        for place, (title, layer) in enumerate(self._layers.items()):
            arrays |= layer.arrays(f"layers.{place}") | self._top.arrays(title, f"layers.{place}.top")
            arrays |= self._sketches[title].arrays(f"layers.{place}.quantiles") if self.quantiles else {}
        if self.of_texts is not None:
            arrays |= rows_arrays(self.of_texts)
        return packed(Packed("weights", record, arrays))

    @classmethod
    def from_bytes(cls: type[Own], content: bytes, name: str) -> Own:
        """What ``to_bytes`` wrote; AttnvizError, which calls it ``name``, where it is none, or damaged."""
        return cls.of_packed(unpacked(content, name), name)

    @classmethod
    def of_packed(cls: type[Own], content: Packed, name: str) -> Own:
        """The same of a file that has been unpacked."""
        with of_file(name):
            require_of(content, "weights")
            require_record(content.record, FIELDS | TEXTS)
            return cls._of_record(content.record, content.arrays)

    @classmethod
    def _of_record(cls: type[Own], record: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]) -> Own:
        metrics = [member("metrics", Metric, one) for one in record["metrics"]]
        thresholds = {member("thresholds", HeadName, name): float(one) for name, one in record["thresholds"].items()}
        pool, step = member("pool", Pool, record["pool"]), member("step", MeasuredStep, record["step"])
        statistics = cls(record["near"], pool, metrics, thresholds, step, record["quantiles"], record["top_texts"])
        statistics.take_texts(record)
        statistics.toward, statistics.skips_tokens = record["toward"], record["skips_tokens"]
        statistics.regions = frozenset((_side(queries), _side(keys)) for queries, keys in record["regions"])
        statistics._left_out = running_of(arrays, "left_out", (), statistics.texts)
        top: dict[str, tuple[str, tuple[int, int]]] = {}
        for place, layer in enumerate(record["layers"]):
            title, prefix, most = shown_line(layer["title"]), f"layers.{place}", statistics.texts
            shape = len(statistics.metrics), len(layer["heads"])
            statistics._layers[title] = LayerState.of_arrays(
                arrays, prefix, layer["number"], layer["heads"], statistics.metrics, most
            )
            if statistics.quantiles:
                statistics._sketches[title] = Sketches.of_arrays(arrays, f"{prefix}.quantiles", shape, most)
            top[title] = f"{prefix}.top", shape
        statistics._top = TopTexts.of_arrays(statistics.top_texts, record["texts_of_top"], arrays, top)
        return statistics

    def _options(self) -> dict[str, Any]:
        """What must be the same where statistics are merged, as JSON holds it."""
        return {
            "near": self.near,
            "pool": self.pool.value,
            "step": self.step.value,
            "metrics": [metric.value for metric in self.metrics],
            "thresholds": {name.value: self.thresholds[name] for name in HeadName},
            "top_texts": self.top_texts,
        }


def _flat(options: Mapping[str, Any]) -> dict[str, Any]:
    """The same with each threshold by itself, so that what differs can be named."""
    return {name: value for name, value in options.items() if name != "thresholds"} | {
        f"threshold.{name}": value for name, value in options["thresholds"].items()
    }


def _ends(side: range | None) -> list[int] | None:
    return None if side is None else [side.start, side.stop]


def _side(ends: list[int] | None) -> range | None:
    return None if ends is None else range(*ends)
