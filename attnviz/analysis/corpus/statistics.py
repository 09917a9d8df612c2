"""What the heads do over many texts: means and deviations that grow with the number of heads, not of texts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from attnviz.analysis.corpus.alike import require_same
from attnviz.analysis.corpus.by_text import MeasuredLayer, TextRows
from attnviz.analysis.corpus.heads import NOTHING, Head
from attnviz.analysis.corpus.layer_state import LayerState
from attnviz.analysis.corpus.quantiles import Sketches
from attnviz.analysis.corpus.state import Region, State
from attnviz.analysis.corpus.top_texts import excerpt_of
from attnviz.analysis.head_names import CHANCED, Chance, head_names, name_limits
from attnviz.analysis.metrics import Metric
from attnviz.analysis.together import measured_together
from attnviz.choices import CONTRIBUTIONS, MeasuredStep, Pool
from attnviz.errors import AttnvizError
from attnviz.progress import Progress, no_progress
from attnviz.trace.selection import (
    LayerSelection,
    Selection,
    is_of_all_heads,
    require_all_heads,
    require_contributions,
)
from attnviz.trace.trace import Trace


class Statistics(State):
    """The metrics of the selected heads, text after text; ``State`` says what is known of them."""

    last: TextRows | None = None  # what was measured of the last text

    def add(self, trace: Trace, selection: Selection, report: Progress = no_progress, name: str = "") -> None:
        """The selected heads of one more text: all of it or, where it fails or is interrupted, nothing.

        ``report`` is told how much is done, of how much; ``name`` is what the text is called, such as "line 12".
        """
        if self.step in CONTRIBUTIONS:
            require_contributions(trace, selection)
            require_all_heads(selection, self.step)
            self.toward = next((one.layer.toward.token for one in selection.layers if one.layer.toward), "")
        layers, left_out, rows = dict(self._layers), [], []
        options: dict[str, Any] = {"near": self.near, "only": self.metrics, "pool": self.pool, "chances": CHANCED}
        all_measured = measured_together(trace, selection.layers, report, step=self.step, **options)
        for selected, measured in zip(selection.layers, all_measured, strict=True):
            heads = (0,) if is_of_all_heads(self.step) else selected.heads  # all as one are the only one
            before = layers.get(selected.layer.title) or LayerState.without_texts(
                selected.layer.index, heads, self.metrics
            )
            require_same("head", list(before.heads), list(heads))
            layers[selected.layer.title] = before.plus(measured)
            as_one = (None,) if is_of_all_heads(self.step) else before.heads
            rows.append(MeasuredLayer(selected.layer.title, before.number, as_one, before.of_text(measured)))
            left_out.append(measured.left_out[list(heads)].mean())
        last = TextRows(name or str(self.texts + 1), len(trace.tokens), tuple(rows))
        excerpt = excerpt_of(trace) if self.top_texts else ""
        selected_layers = selection.layers
        elsewhere = any(len(selected.key_positions) < selected.layer.keys for selected in selected_layers)
        vars(self).update(  # in one step, which nothing can interrupt
            last=last,
            _layers=layers,
            _top=self._top.plus(last.name, excerpt, [(row.title, row.values) for row in rows]),
            _left_out=self._left_out.plus(numpy.array(numpy.mean(left_out) if elsewhere else math.nan)),
            **self.one_more(trace.source, len(trace.tokens)),
            regions=self.regions | {_region(selected) for selected in selected_layers if not selected.whole},
            skips_tokens=self.skips_tokens or any(selected.skips_tokens for selected in selected_layers),
        )
        for row in rows if self.quantiles else ():  # kept by a library, in place
            self._sketches.setdefault(row.title, Sketches(row.values.shape)).add(row.values)

    def rows(self) -> TextRows:
        """What was measured of the text that was added last, a row for each head; AttnvizError where there is none."""
        if self.last is None:
            raise AttnvizError("no text has been added yet")
        return self.last

    @property
    def left_out(self) -> float | None:
        """The mean share of the weights that went to keys that are left out, over the texts that have such; None: none has."""
        return float(self._left_out.mean) if self._left_out.count else None

    def heads(self, sort: Metric | None = None) -> list[Head]:
        """All heads in the order of their layers, or the largest value of ``sort`` first and what has none last."""
        as_one = is_of_all_heads(self.step)
        sketched = {title: sketches.at(self.quantiles) for title, sketches in self._sketches.items()}
        rows = [
            self._named(
                Head(
                    title,
                    layer.number,
                    None if as_one else head,
                    layer.values(column),
                    quantiles=self._quantiles(sketched.get(title), column),
                    top={metric: self._top.of(title, row, column) for row, metric in enumerate(self.metrics)}
                    if self.top_texts
                    else NOTHING,
                ),
                layer.chances(column),
            )
            for title, layer in self._layers.items()
            for column, head in enumerate(layer.heads)
        ]
        if sort is None:
            return rows
        return sorted(rows, key=lambda row: math.inf if math.isnan(row.values[sort].mean) else -row.values[sort].mean)

    def _quantiles(self, found: numpy.ndarray | None, column: int) -> Mapping[Metric, Sequence[float]]:
        """Of each metric of a head, in the order of ``quantiles``, where these are kept."""
        return NOTHING if found is None else {one: found[row, column].tolist() for row, one in enumerate(self.metrics)}

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
