"""Computed against meant weights of one head, and their difference, decided as data: heatmap/chain_figure.py draws it."""

from __future__ import annotations

import os

import numpy

from attnviz.analysis.diagnosis.result import Compared, Diagnosis, Mistake, Verdict
from attnviz.choices import MapStep
from attnviz.errors import AttnvizError
from attnviz.renderers.diagnosis.told import brief, listed, titled
from attnviz.renderers.heatmap.attention_figure import AttentionFigure
from attnviz.renderers.heatmap.chain import MOST_CELLS, Between, Chain
from attnviz.renderers.heatmap.heatmap import Heatmap
from attnviz.renderers.heatmap.picture import Panel, Picture
from attnviz.renderers.shared.scale import TOWERING, Scale, scale_of
from attnviz.text.lessons import Lessons, lessons

NEGATIVE = 0.05  # of the largest weight: what is further below 0 is no noise of weights that were told from an output


def decide(found: Diagnosis, words: Lessons) -> Chain | Picture:
    """The picture of the first explanation of ``found``, or what was meant alone where it is not known what was computed.

    AttnvizError where there are no weights to compare, as of a correct output.
    """
    if not found.compared:
        raise AttnvizError(
            "the output is correct: there are no two maps of weights to draw"
            if found.verdict is Verdict.CORRECT
            else "no weights can be told from this output, so there is no picture",
            "choose another format: leave out the picture's suffix",
        )
    compared = found.compared[0]
    cut = _Cut(compared)
    title, subtitle = _title(found, words), _subtitle(found, compared, cut, words)
    first, *others = _maps(compared, cut, words)
    if not others:
        return first._replace(title=title, subtitle=f"{first.title} · {subtitle}")
    return Chain(title, subtitle, (first, *others), (Between("−"), Between("=")))


def to_heatmap(found: Diagnosis, path: str | os.PathLike[str] | None = None) -> AttentionFigure:
    """The same in the language of ``found`` as a figure of matplotlib; saved to ``path``, if there is one."""
    return Heatmap(decide(found, lessons(found.language))).figure(path)


class _Cut:
    """Which rows and keys are drawn: all, or as many as fit around the largest difference."""

    def __init__(self, compared: Compared) -> None:
        self.shape = compared.meant.shape
        differences = numpy.nan_to_num(abs(_difference(compared)), nan=numpy.inf)
        row, column = numpy.unravel_index(differences.argmax(), self.shape)
        self.rows, self.columns = _around(int(row), self.shape[0]), _around(int(column), self.shape[1])

    def of(self, values: numpy.ndarray) -> numpy.ndarray:
        return values[self.rows.start : self.rows.stop, self.columns.start : self.columns.stop]


def _around(place: int, size: int) -> range:
    start = max(min(place - MOST_CELLS // 2, size - MOST_CELLS), 0)
    return range(start, min(start + MOST_CELLS, size))


def _difference(compared: Compared) -> numpy.ndarray:
    """What was computed less what was meant; 0 where it is not known what was computed."""
    return numpy.zeros_like(compared.meant) if compared.computed is None else compared.computed - compared.meant


def _maps(compared: Compared, cut: _Cut, words: Lessons) -> list[Picture]:
    meant = cut.of(compared.meant)
    measure = words.say("picture.measure_weights")

    def one(name: str, values: numpy.ndarray, scale: Scale, step: MapStep, measure: str) -> Picture:
        title = words.say(f"diagnose.picture_{name}")
        return Picture(
            title=title,
            subtitle="",
            panels=(Panel(title, compared.head, values),),
            queries=tuple(str(compared.rows[row]) for row in cut.rows),
            keys=tuple(map(str, cut.columns)),
            step=step,
            scale=scale,
            hidden=False,
            axes=(words.say("picture.query"), words.say("picture.key")),
            blank=words.say("picture.hidden"),
            positions=([compared.rows[row] for row in cut.rows], cut.columns),
            measure=measure,
        )

    if compared.computed is None:
        return [one("meant", meant, scale_of([meant], MapStep.WEIGHTS), MapStep.WEIGHTS, measure)]
    computed, difference = cut.of(compared.computed), cut.of(_difference(compared))
    of_computed, of_meant, step = _scales(computed, meant)
    largest = float(abs(difference[numpy.isfinite(difference)]).max(initial=0.0)) or 1.0
    apart = Scale(-largest, largest, largest, diverging=True, least=-largest)
    return [
        one("computed", computed, of_computed, step, measure),
        one("meant", meant, of_meant, MapStep.WEIGHTS, measure),
        one("difference", difference, apart, MapStep.SCORES, words.say("diagnose.picture_measure")),
    ]


def _scales(computed: numpy.ndarray, meant: numpy.ndarray) -> tuple[Scale, Scale, MapStep]:
    """One scale of both; of each its own, where what was computed is no weights, or so large that the others would vanish."""
    usual = float(meant.max(initial=0.0))
    told = computed[numpy.isfinite(computed)]
    if told.min(initial=0.0) >= -NEGATIVE * usual and told.max(initial=0.0) <= TOWERING * usual:
        both = scale_of([meant, computed], MapStep.WEIGHTS)
        return both, both, MapStep.WEIGHTS
    return scale_of([computed], MapStep.SCORES), scale_of([meant], MapStep.WEIGHTS), MapStep.SCORES


def _title(found: Diagnosis, words: Lessons) -> str:
    if found.verdict is Verdict.UNKNOWN:
        return words.say("diagnose.picture_unknown", before=brief(found.error))
    first = found.explanations[0]
    facts = {"title": _titles(first, words), "before": _worst(first, "before"), "after": _worst(first, "after")}
    if found.verdict is Verdict.SEVERAL:
        return words.say("diagnose.picture_several", count=len(found.explanations), **facts)
    return words.say("diagnose.picture_title", **facts)


def _titles(explanation: tuple[Mistake, ...], words: Lessons) -> str:
    return " + ".join(titled(one, words) for one in explanation)


def _worst(explanation: tuple[Mistake, ...], name: str) -> str:
    return brief(max(getattr(one, name) for one in explanation))


def _subtitle(found: Diagnosis, compared: Compared, cut: _Cut, words: Lessons) -> str:
    """The names, the head, and which rows and keys are drawn where not all are."""
    names = [] if found.verdict is Verdict.UNKNOWN else [one.name for one in found.explanations[0]]
    parts = [" + ".join(names)] if names else []
    if compared.item:
        parts.append(words.say("diagnose.item", items=compared.item))
    parts.append(words.say("diagnose.head", heads=compared.head))
    rows = [compared.rows[row] for row in cut.rows]
    if rows[0] or len(rows) < cut.shape[0]:
        parts.append(words.say("diagnose.rows", rows=listed(rows, words)))
    if len(cut.columns) < cut.shape[1]:
        parts.append(words.say("diagnose.columns", columns=listed(cut.columns, words)))
    return " · ".join(parts)
