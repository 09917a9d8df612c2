"""What the heads do over many texts: means and deviations that grow with the number of heads, not of texts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy

from attnviz.analysis.corpus.alike import require_same
from attnviz.analysis.corpus.by_text import MeasuredLayer, TextRows
from attnviz.analysis.corpus.heads import Head
from attnviz.analysis.corpus.layer_state import LayerState, OfText, columns_of
from attnviz.analysis.corpus.state import Region, State
from attnviz.analysis.corpus.top_texts import excerpt_of
from attnviz.analysis.head_names import CHANCED, Chance, head_names, name_limits
from attnviz.analysis.metrics import Metric
from attnviz.analysis.together import measured_together
from attnviz.choices import CONTRIBUTIONS, MeasuredStep, Pool
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

    def add(self, trace: Trace, selection: Selection, report: Progress = no_progress, name: str = "") -> None:
        """The selected heads of one more text: all of it or, where it fails or is interrupted, nothing.

        ``report`` is told how much is done, of how much; ``name`` is what the text is called, such as "line 12".
        """
        toward = self.toward
        if self.step in CONTRIBUTIONS:
            require_contributions(trace, selection)
            require_all_heads(selection, self.step)
            toward = next((one.layer.toward.token for one in selection.layers if one.layer.toward), "")
        layers, left_out, rows = dict(self._layers), [], []
        elsewhere = any(len(selected.key_positions) < selected.layer.keys for selected in selection.layers)
        options: dict[str, Any] = {"near": self.near, "only": self.metrics, "pool": self.pool, "chances": CHANCED}
        for some in measured_together(trace, selection.layers, report, step=self.step, **options):
            before = [self._before(selected) for selected in some.selections]
            text = OfText.of(some.measured, self.metrics, some.heads)
            columns = columns_of(before)
            for selected, after, own in zip(some.selections, LayerState.plus(before, text), columns, strict=True):
                title = selected.layer.title
                layers[title] = after
                as_one = (None,) if is_of_all_heads(self.step) else after.heads
                rows.append(MeasuredLayer(title, after.number, as_one, text.metrics[:, own]))
            if elsewhere:
                lost = some.measured.left_out[list(some.heads)]
                left_out += [lost[own].mean() for own in columns]
        self._add(
            TextRows(name or str(self.texts + 1), len(trace.tokens), tuple(rows)),
            excerpt_of(trace.source, trace.tokens) if self.top_texts else "",
            trace.source,
            _layers=layers,
            _left_out=self._left_out.plus(numpy.array(numpy.mean(left_out) if elsewhere else math.nan)),
            regions=self.regions | {_region(selected) for selected in selection.layers if not selected.whole},
            skips_tokens=self.skips_tokens or any(selected.skips_tokens for selected in selection.layers),
            toward=toward,
        )

    def _before(self, selected: LayerSelection) -> LayerState:
        """What is known of a layer already; AttnvizError where that is of other heads."""
        heads = (0,) if is_of_all_heads(self.step) else selected.heads  # all as one are the only one
        layer = selected.layer
        before = self._layers.get(layer.title) or LayerState.without_texts(layer.index, heads, self.metrics)
        require_same("head", list(before.heads), list(heads))
        return before

    @property
    def left_out(self) -> float | None:
        """The mean share of the weights that went to keys that are left out, over the texts that have such; None: none has."""
        return float(self._left_out.mean) if self._left_out.count else None

    def heads(self, sort: Metric | None = None) -> list[Head]:
        """All heads in the order of their layers, or the largest value of ``sort`` first and what has none last."""
        as_one, sketched = is_of_all_heads(self.step), self._sketched()
        rows = [
            self._named(
                Head(
                    title,
                    layer.number,
                    None if as_one else head,
                    layer.values(column),
                    **self._beside(sketched, title, column, self.metrics),
                ),
                layer.chances(column),
            )
            for title, layer in self._layers.items()
            for column, head in enumerate(layer.heads)
        ]
        return rows if sort is None else self.ordered(rows, sort)

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
