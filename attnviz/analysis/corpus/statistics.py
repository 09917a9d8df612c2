"""What the heads do over many texts: means and deviations that grow with the number of heads, not of texts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from attnviz.analysis.corpus.alike import require_same
from attnviz.analysis.corpus.by_text import MeasuredLayer, TextRows
from attnviz.analysis.corpus.heads import Head
from attnviz.analysis.corpus.layer_state import LayerState, OfText, columns_of
from attnviz.analysis.corpus.measured_text import MeasuredText, NamedHeads, region_of
from attnviz.analysis.corpus.measured_together import MeasuredTogether
from attnviz.analysis.corpus.state import State
from attnviz.analysis.corpus.top_texts import excerpt_of
from attnviz.analysis.head_names import CHANCED, Chance, head_names, name_limits
from attnviz.analysis.metrics import Metric
from attnviz.analysis.together import measured_together
from attnviz.choices import CONTRIBUTIONS, MeasuredStep, Pool
from attnviz.progress import Progress, no_progress
from attnviz.trace.selection import (
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
        self.take(self.measured(trace, selection, report), name)

    def measured(self, trace: Trace, selection: Selection, report: Progress = no_progress) -> MeasuredText:
        """What there is to count of the selected heads of a text; nothing here changes, so that texts can be measured side by side."""
        toward = ""
        if self.step in CONTRIBUTIONS:
            require_contributions(trace, selection)
            require_all_heads(selection, self.step)
            toward = next((one.layer.toward.token for one in selection.layers if one.layer.toward), "")
        layers, left_out = [], []
        elsewhere = any(len(selected.key_positions) < selected.layer.keys for selected in selection.layers)
        options: dict[str, Any] = {"near": self.near, "only": self.metrics, "pool": self.pool, "chances": CHANCED}
        for some in measured_together(trace, selection.layers, report, step=self.step, **options):
            named = [
                NamedHeads(one.layer.title, one.layer.index, (0,) if is_of_all_heads(self.step) else one.heads)
                for one in some.selections  # all heads as one are the only one
            ]
            layers.append((named, OfText.of(some.measured, self.metrics, some.heads)))
            if elsewhere:
                lost = some.measured.left_out[list(some.heads)]
                left_out += [lost[own].mean() for own in columns_of(named)]
        return MeasuredText(
            layers,
            float(numpy.mean(left_out)) if elsewhere else math.nan,
            len(trace.tokens),
            excerpt_of(trace.source, trace.tokens) if self.top_texts else "",
            trace.source,
            frozenset(region_of(selected) for selected in selection.layers if not selected.whole),
            any(selected.skips_tokens for selected in selection.layers),
            toward,
        )

    def together(self, ids: Sequence[Sequence[int]]) -> MeasuredTogether:
        """What measures all heads and tokens of texts that a model reads together, whose tokens have these ``ids``, by their weights
        alone: the same as ``measured`` of each."""
        return MeasuredTogether(ids, self.near, self.metrics, self.pool, bool(self.top_texts))

    def take(self, text: MeasuredText, name: str = "") -> None:
        """Count what was ``measured`` of one more text."""
        layers, rows = dict(self._layers), []
        for named, values in text.layers:
            after = LayerState.plus([self._before(one) for one in named], values)
            for one, state, own in zip(named, after, columns_of(named), strict=True):
                layers[one.title] = state
                as_one = (None,) if is_of_all_heads(self.step) else one.heads
                rows.append(MeasuredLayer(one.title, state.number, as_one, values.metrics[:, own]))
        self._add(
            TextRows(name or str(self.texts + 1), text.tokens, tuple(rows)),
            text.excerpt,
            text.source,
            _layers=layers,
            _left_out=self._left_out.plus(numpy.array(text.left_out)),
            regions=self.regions | text.regions,
            skips_tokens=self.skips_tokens or text.skips_tokens,
            toward=text.toward if self.step in CONTRIBUTIONS else self.toward,
        )

    def _before(self, one: NamedHeads) -> LayerState:
        """What is known of a layer already; AttnvizError where that is of other heads."""
        before = self._layers.get(one.title) or LayerState.without_texts(one.number, one.heads, self.metrics)
        require_same("head", list(before.heads), list(one.heads))
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
