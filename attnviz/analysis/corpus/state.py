"""What is known of heads after some texts: merged with what is known after others, and saved as a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

import numpy

from attnviz.analysis.corpus.alike import require_alike, require_same
from attnviz.analysis.corpus.layer_state import LayerState
from attnviz.analysis.corpus.of_heads import OfHeads
from attnviz.analysis.corpus.running import Running
from attnviz.analysis.corpus.state_file import member, running_arrays, running_of
from attnviz.analysis.head_names import THRESHOLDS, HeadName
from attnviz.analysis.metrics import Metric
from attnviz.choices import NEAR, MeasuredStep, Pool
from attnviz.text.display import shown_line
from attnviz.text.message import Message
from attnviz.trace.schema import COUNT, FLAG, NUMBER, TEXT, TOKENS, Kind, list_of, object_of

Region = tuple[range | None, range | None]

_SIDE = Kind(
    Message("two positions"), lambda value: isinstance(value, list) and len(value) == 2, items=COUNT
).or_null()  # a range of queries or of keys

Own = TypeVar("Own", bound="State")


class State(OfHeads):
    """The metrics of the selected heads, over the texts so far.

    near     keys at a distance below this count as near
    pool     what stands for the queries of a text; names are of means, so there are none of the largest
    toward   the token, or OUTPUT, along which contributions are measured; "" where they are not
    step     of what the metrics are: weights, or the shares of contributions; names are of weights, so there are none of these
    metrics  what is measured, in the order in which it is shown
    thresholds  of the names, before they are held against chance
    regions  the queries and the keys that were looked at, None for all, of the texts of which not all were
    skips_tokens whether a text had tokens that are left out

    What is kept of heads whatever is measured, ``OfHeads`` says; and of the texts themselves, ``Texts``.
    """

    KIND = "weights"
    OPTIONS: ClassVar = {
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
    }

    _layers: dict[str, LayerState]

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
        super().__init__(quantiles, top_texts)
        self.near, self.pool, self.step, self.skips_tokens = near, pool, step, False
        self.metrics, self.thresholds = tuple(dict.fromkeys(metrics)), {**THRESHOLDS, **thresholds}
        self.regions: frozenset[Region] = frozenset()
        self.toward = ""
        self._left_out = Running(())

    @property
    def kept(self) -> tuple[Metric, ...]:
        """The metrics."""
        return self.metrics

    def merged(self: Own, other: Own) -> Own:
        """The texts of both, as if one had added them all; AttnvizError where they were measured of another model, of other
        heads or otherwise. In whatever order and grouping, it is the same (``Running.merged``)."""
        require_alike(_flat(self._options()), _flat(other._options()))
        if self.texts and other.texts:
            require_same("toward", self.toward, other.toward)
        both = type(self)(self.near, self.pool, self.metrics, self.thresholds, self.step, (), self.top_texts)
        self._with_both(other, both)
        vars(both).update(
            _left_out=self._left_out.merged(other._left_out),
            toward=self.toward or other.toward,
            regions=self.regions | other.regions,
            skips_tokens=self.skips_tokens or other.skips_tokens,
        )
        return both

    def _record(self) -> dict[str, Any]:
        return {
            **self._options(),
            "toward": self.toward,
            "skips_tokens": self.skips_tokens,
            "regions": [[_ends(side) for side in region] for region in self.regions],
        }

    def _own_arrays(self) -> dict[str, numpy.ndarray]:
        return running_arrays(self._left_out, "left_out")

    @classmethod
    def _of_record(cls: type[Own], record: Mapping[str, Any]) -> Own:
        metrics = [member("metrics", Metric, one) for one in record["metrics"]]
        thresholds = {member("thresholds", HeadName, name): float(one) for name, one in record["thresholds"].items()}
        pool, step = member("pool", Pool, record["pool"]), member("step", MeasuredStep, record["step"])
        statistics = cls(record["near"], pool, metrics, thresholds, step, record["quantiles"], record["top_texts"])
        statistics.toward, statistics.skips_tokens = record["toward"], record["skips_tokens"]
        statistics.regions = frozenset((_side(queries), _side(keys)) for queries, keys in record["regions"])
        return statistics

    def _take_arrays(self, record: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]) -> None:
        self._left_out = running_of(arrays, "left_out", (), self.texts)
        for place, layer in enumerate(record["layers"]):
            self._layers[shown_line(layer["title"])] = LayerState.of_arrays(
                arrays, f"layers.{place}", layer["number"], layer["heads"], self.metrics, self.texts
            )

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
