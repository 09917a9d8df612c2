"""What the heads do over many texts: means and deviations that grow with the number of heads, not of texts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy

from attnviz.analysis.corpus.alike import require_alike, require_same
from attnviz.analysis.corpus.heads import Head
from attnviz.analysis.corpus.layer_state import LayerState
from attnviz.analysis.corpus.layers import LAYERS, both_layers, layers_record
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
from attnviz.analysis.head_names import CHANCED, THRESHOLDS, Chance, HeadName, head_names, name_limits
from attnviz.analysis.metrics import Metric
from attnviz.analysis.together import measured_together
from attnviz.choices import CONTRIBUTIONS, NEAR, MeasuredStep, Pool
from attnviz.progress import Progress, no_progress
from attnviz.text.display import shown_line
from attnviz.text.message import Message
from attnviz.trace.schema import COUNT, FLAG, NUMBER, TEXT, TOKENS, Kind, list_of, object_of
from attnviz.trace.selection import (
    LayerSelection,
    Selection,
    is_of_all_heads,
    require_all_heads,
    require_contributions,
)
from attnviz.trace.trace import Trace

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
}


class Statistics(Texts):
    """The metrics of the selected heads, text after text.

    near     keys at a distance below this count as near
    pool     what stands for the queries of a text; names are of means, so there are none of the largest
    toward   the token, or OUTPUT, along which contributions are measured; "" where they are not
    step     of what the metrics are: weights, or the shares of contributions; names are of weights, so there are none of these
    metrics  what is measured, in the order in which it is shown
    thresholds  of the names, before they are held against chance
    regions  the queries and the keys that were looked at, None for all, of the texts of which not all were
    skips_tokens whether a text had tokens that are left out

    What is counted of the texts themselves, ``Texts`` says.
    """

    def __init__(
        self,
        near: int = NEAR,
        pool: Pool = Pool.MEAN,
        metrics: Iterable[Metric] = tuple(Metric),
        thresholds: Mapping[HeadName, float] = THRESHOLDS,
        step: MeasuredStep = MeasuredStep.WEIGHTS,
    ) -> None:
        super().__init__()
        self.near, self.pool, self.step, self.skips_tokens = near, pool, step, False
        self.metrics, self.thresholds = tuple(dict.fromkeys(metrics)), {**THRESHOLDS, **thresholds}
        self.regions: frozenset[Region] = frozenset()
        self.toward = ""
        self._layers: dict[str, LayerState] = {}
        self._left_out = Running(())

    def add(self, trace: Trace, selection: Selection, report: Progress = no_progress, name: str = "") -> None:  # noqa: ARG002
        """The selected heads of one more text: all of it or, where it fails or is interrupted, nothing.

        ``report`` is told how much is done, of how much; ``name`` is what the text is called, such as "line 12".
        """
        if self.step in CONTRIBUTIONS:
            require_contributions(trace, selection)
            require_all_heads(selection, self.step)
            self.toward = next((one.layer.toward.token for one in selection.layers if one.layer.toward), "")
        layers, left_out = dict(self._layers), []
        options: dict[str, Any] = {"near": self.near, "only": self.metrics, "pool": self.pool, "chances": CHANCED}
        all_measured = measured_together(trace, selection.layers, report, step=self.step, **options)
        for selected, measured in zip(selection.layers, all_measured, strict=True):
            heads = (0,) if is_of_all_heads(self.step) else selected.heads  # all as one are the only one
            before = layers.get(selected.layer.title) or LayerState.without_texts(
                selected.layer.index, heads, self.metrics
            )
            require_same("head", list(before.heads), list(heads))
            layers[selected.layer.title] = before.plus(measured)
            left_out.append(measured.left_out[list(heads)].mean())
        selected_layers = selection.layers
        elsewhere = any(len(selected.key_positions) < selected.layer.keys for selected in selected_layers)
        vars(self).update(  # in one step, which nothing can interrupt
            _layers=layers,
            _left_out=self._left_out.plus(numpy.array(numpy.mean(left_out) if elsewhere else math.nan)),
            **self.one_more(trace.source, len(trace.tokens)),
            regions=self.regions | {_region(selected) for selected in selected_layers if not selected.whole},
            skips_tokens=self.skips_tokens or any(selected.skips_tokens for selected in selected_layers),
        )

    def merged(self, other: Statistics) -> Statistics:
        """The texts of both, as if one had added them all; AttnvizError where they were measured of another model, of other
        heads or otherwise. In whatever order and grouping, it is the same (``Running.merged``)."""
        require_alike(self._options(), other._options())
        if self.texts and other.texts:
            require_same("toward", self.toward, other.toward)
        both = Statistics(self.near, self.pool, self.metrics, self.thresholds, self.step)
        vars(both).update(
            _layers=both_layers(self._layers, other._layers),
            _left_out=self._left_out.merged(other._left_out),
            **self.counts_with(other),
            toward=self.toward or other.toward,
            regions=self.regions | other.regions,
            skips_tokens=self.skips_tokens or other.skips_tokens,
        )
        return both

    def to_bytes(self) -> bytes:
        """All of it as the bytes of a .stats file, which ``from_bytes`` reads: safetensors, never pickled."""
        record = {
            **self._options(),
            **self.texts_record(),
            "toward": self.toward,
            "skips_tokens": self.skips_tokens,
            "regions": [[_ends(side) for side in region] for region in self.regions],
            "layers": layers_record(self._layers),
        }
        arrays = running_arrays(self._left_out, "left_out")
        for place, layer in enumerate(self._layers.values()):
            arrays |= layer.arrays(f"layers.{place}")
        return packed(Packed("weights", record, arrays))

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> Statistics:
        """What ``to_bytes`` wrote; AttnvizError, which calls it ``name``, where it is none, or damaged."""
        return cls.of_packed(unpacked(content, name), name)

    @classmethod
    def of_packed(cls, content: Packed, name: str) -> Statistics:
        """The same of a file that has been unpacked."""
        with of_file(name):
            require_of(content, "weights")
            require_record(content.record, FIELDS | TEXTS)
            return cls._of_record(content.record, content.arrays)

    @classmethod
    def _of_record(cls, record: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]) -> Statistics:
        metrics = [member("metrics", Metric, one) for one in record["metrics"]]
        thresholds = {member("thresholds", HeadName, name): float(one) for name, one in record["thresholds"].items()}
        pool, step = member("pool", Pool, record["pool"]), member("step", MeasuredStep, record["step"])
        statistics = cls(record["near"], pool, metrics, thresholds, step)
        statistics.take_texts(record)
        statistics.toward, statistics.skips_tokens = record["toward"], record["skips_tokens"]
        statistics.regions = frozenset((_side(queries), _side(keys)) for queries, keys in record["regions"])
        statistics._left_out = running_of(arrays, "left_out", (), statistics.texts)
        statistics._layers = {
            shown_line(layer["title"]): LayerState.of_arrays(
                arrays, f"layers.{place}", layer["number"], layer["heads"], statistics.metrics, statistics.texts
            )
            for place, layer in enumerate(record["layers"])
        }
        return statistics

    def _options(self) -> dict[str, Any]:
        """What must be the same where statistics are merged, as JSON holds it."""
        return {
            "near": self.near,
            "pool": self.pool.value,
            "step": self.step.value,
            "metrics": [metric.value for metric in self.metrics],
            "thresholds": {name.value: self.thresholds[name] for name in HeadName},
        }

    @property
    def left_out(self) -> float | None:
        """The mean share of the weights that went to keys that are left out, over the texts that have such; None: none has."""
        return float(self._left_out.mean) if self._left_out.count else None

    def heads(self, sort: Metric | None = None) -> list[Head]:
        """All heads in the order of their layers, or the largest value of ``sort`` first and what has none last."""
        as_one = is_of_all_heads(self.step)
        rows = [
            self._named(
                Head(title, layer.number, None if as_one else head, layer.values(column)), layer.chances(column)
            )
            for title, layer in self._layers.items()
            for column, head in enumerate(layer.heads)
        ]
        if sort is None:
            return rows
        return sorted(rows, key=lambda row: math.inf if math.isnan(row.values[sort].mean) else -row.values[sort].mean)

    def _named(self, head: Head, chances: Mapping[Metric, Chance]) -> Head:
        """``head`` with its names, where they can be told."""
        if self.pool is not Pool.MEAN or self.step is not MeasuredStep.WEIGHTS:
            return head
        means = {metric: value.mean for metric, value in head.values.items()}
        limits = name_limits(means, chances, self.thresholds)
        return head._replace(names=head_names(means, limits), limits=limits)


def _region(selected: LayerSelection) -> Region:
    """The queries and the keys that are looked at, None where that is all of them."""
    queries, keys = selected.ranges
    layer = selected.layer
    return queries if len(queries) < layer.queries else None, keys if len(keys) < layer.keys else None


def _ends(side: range | None) -> list[int] | None:
    return None if side is None else [side.start, side.stop]


def _side(ends: list[int] | None) -> range | None:
    return None if ends is None else range(*ends)
