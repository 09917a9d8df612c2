"""What Python gets of statistics: a table that prints, shows itself in a notebook, and is handed on as records."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from attnviz.analysis.corpus import Head, Statistics
from attnviz.analysis.metrics import Metric
from attnviz.choices import Language
from attnviz.errors import AttnvizError
from attnviz.files import write_whole
from attnviz.renderers.shared.frames import to_pandas, to_polars
from attnviz.renderers.shared.plain import plain
from attnviz.renderers.stats.head_csv import Measure, columns, rows
from attnviz.renderers.stats.head_table import Told, told
from attnviz.text.lessons import lessons
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.renderers.heatmap.attention_figure import AttentionFigure


@dataclass(frozen=True, eq=False)
class Stats:
    """What heads do: the metrics of each, over one text or many. It prints as the table of ``attnviz stats``.

    statistics  the numbers; ``statistics.heads()`` has them head by head
    sort        the metric whose largest value stands first; None: the order of the layers
    language    in which it prints
    errors      why a text could not be read, by its place among the texts
    """

    statistics: Statistics
    sort: Metric | None = None
    language: Language = Language.EN
    errors: dict[int, AttnvizError] = field(default_factory=dict)

    @property
    def heads(self) -> list[Head]:
        """The measured heads, each with its ``values``: mean, deviation and count of each metric; NaN where there is none."""
        return self.statistics.heads(self.sort)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows of the CSV, one for each metric of each head: layer, name, head, metric, mean, deviation over the texts
        and count of texts; None where no text had an answer."""
        names = columns(self.statistics)
        return [
            {name: _known(value) for name, value in zip(names, row, strict=True)}
            for row in rows(self.statistics, self.sort)
        ]

    def to_json(self) -> str:
        """What ``attnviz stats --format json`` writes."""
        from attnviz.renderers.stats.head_json import to_json

        return to_json(self.statistics, self.sort).decode()

    def to_csv(self) -> str:
        """What ``attnviz stats --format csv`` writes."""
        from attnviz.renderers.stats.head_csv import to_csv

        return to_csv(self.statistics, self.sort)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all of it to a .stats file, whole or not at all, which ``attnviz.merge_stats`` joins with others."""
        write_whole(path, [self.statistics.to_bytes()])

    def to_pandas(self) -> Any:
        """The records as a DataFrame of pandas; AttnvizError where that is not installed."""
        return to_pandas(self.records, columns(self.statistics))

    def to_polars(self) -> Any:
        """The records as a DataFrame of polars; AttnvizError where that is not installed."""
        return to_polars(self.records, columns(self.statistics))

    def __len__(self) -> int:
        return len(self.heads)

    def __str__(self) -> str:
        """The table, as ``attnviz stats`` prints it."""
        return plain(self)

    def __rich__(self) -> Any:
        """The same in colour, on a Rich console."""
        from attnviz.renderers.stats.head_table import as_table

        return as_table(self._told())

    def heatmap(
        self, metric: str, path: str | os.PathLike[str] | None = None, *, title: str | None = None
    ) -> AttentionFigure:
        """One metric as a map of layers × heads, as ``attnviz stats --metric`` draws it: a figure of matplotlib, saved to ``path`` as
        .png, .svg or .pdf, if there is one. AttnvizError where no head has a value.
        """
        from attnviz.renderers.heatmap.heatmap import Heatmap
        from attnviz.renderers.stats.head_map import decide

        asked = measured(self.statistics.metrics, metric)
        picture = decide(self.statistics, asked, title, lessons(self.language))
        return Heatmap(picture).figure(path)

    def _repr_html_(self) -> str:
        """The table in a notebook."""
        from attnviz.renderers.stats.head_html import as_html

        return as_html(self._told())

    def _told(self) -> Told:
        return told(self.statistics, self.sort, lessons(self.language))

    def __repr__(self) -> str:
        metrics, texts = len(self.statistics.metrics), self.statistics.texts
        said = Message(
            "{heads} heads, {metrics} metrics, {texts:,} texts", heads=len(self), metrics=metrics, texts=texts
        )
        return f"{type(self).__name__}({said}; print() shows it)"


def measured(metrics: Sequence[Measure], name: str) -> Measure:
    """The one of ``metrics`` that is called so; AttnvizError where it was not measured."""
    asked = next((one for one in metrics if one == name), None)
    if asked is None:
        raise AttnvizError(
            "metric is {metric}: measured are {metrics}",
            metric=repr(name)[:60],
            metrics=", ".join(one.value for one in metrics),
        )
    return asked


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
