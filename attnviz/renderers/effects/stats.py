"""What Python gets of effects: a table that prints, shows itself in a notebook, and is handed on as records."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attnviz.analysis.effect_corpus import EffectStatistics
from attnviz.choices import Effect
from attnviz.renderers.effects.effect_table import told
from attnviz.renderers.stats.head_table import Told
from attnviz.renderers.stats.stats import Stats, measured
from attnviz.text.lessons import lessons

if TYPE_CHECKING:
    from attnviz.renderers.heatmap.attention_figure import AttentionFigure


@dataclass(frozen=True, eq=False, repr=False)
class EffectStats(Stats):
    """What changes of a model's predictions when a head is taken away. It prints as the table of ``attnviz stats --metric effect``.

    statistics  the numbers; ``statistics.whole(effect)`` has them with all heads
    """

    statistics: EffectStatistics  # type: ignore[assignment]  # which has heads, as those of weights have
    sort: Effect | None = None  # type: ignore[assignment]  # the same

    def to_json(self) -> str:
        """What ``attnviz stats --metric effect --format json`` writes."""
        from attnviz.renderers.effects.effect_json import to_json

        return to_json(self.statistics, self.sort).decode()

    answered: bool = False  # whether a person gave the answer whose probability is measured

    def heatmap(
        self, metric: str | None = None, path: str | os.PathLike[str] | None = None, *, title: str | None = None
    ) -> AttentionFigure:
        """One effect as a map of layers × heads: the "loss", the "probability" or the divergence "kl"; None: the one that
        sorts them, or else the probability of an answer that was given, or else the loss. Saved to ``path`` as .png, .svg or .pdf,
        if there is one. AttnvizError where no head has a value.
        """
        from attnviz.renderers.effects.effect_map import decide, usual
        from attnviz.renderers.heatmap.heatmap import Heatmap

        named = (self.sort or usual(self.answered)) if metric is None else metric
        asked = measured(self.statistics.metrics, named)
        return Heatmap(decide(self.statistics, asked, title, lessons(self.language))).figure(path)

    def _told(self) -> Told:
        return told(self.statistics, self.sort, lessons(self.language))
