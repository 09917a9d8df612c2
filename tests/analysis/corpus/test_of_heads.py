"""What all statistics of heads have: an add that fails changes nothing, and quantiles, top texts and a file, whatever is measured."""

from __future__ import annotations

import sys
from enum import StrEnum

import numpy
import pytest
from made_corpora import measured, text
from made_effects import VALUES, gathered, made_effects

from attnviz.analysis.corpus import Statistics, of_heads
from attnviz.analysis.corpus.running import Running
from attnviz.analysis.corpus.texts import Texts
from attnviz.analysis.corpus.top_texts import TopTexts
from attnviz.analysis.effect_corpus import EffectStatistics
from attnviz.choices import Effect
from attnviz.errors import AttnvizError
from attnviz.trace.selection import select

OPTIONS = {"quantiles": (0.0, 0.5, 1.0), "top_texts": 2}


class OfWeights:
    """Statistics of weights, and how a text is added to them."""

    kind = Statistics

    @staticmethod
    def add(statistics, number):
        statistics.add(text(number), select(text(number)), name=f"line {number}")


class OfEffects:
    """The same of effects."""

    kind = EffectStatistics

    @staticmethod
    def add(statistics, number):
        values = VALUES * (number + 1) * (-1) ** number
        statistics.add(made_effects(values=values, loss=float(number)), f"line {number}")


BOTH = pytest.mark.parametrize("of", [OfWeights, OfEffects])


def known(statistics):
    """All that is known, and what was measured last."""
    return statistics.to_bytes(), statistics.last


class Faults:
    """Fails at the ``place``-th of some calls, counted from 0."""

    def __init__(self, monkeypatch, owner, name, place):
        self.left, self.met, call = place, False, getattr(owner, name)

        def failing(*arguments, **options):
            self.left -= 1
            if self.left < 0:
                self.met = True
                raise AttnvizError("planted")
            return call(*arguments, **options)

        monkeypatch.setattr(owner, name, failing)


@BOTH
@pytest.mark.parametrize("before", [0, 1, 4])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    ("owner", "name"),
    [(Running, "plus"), (TopTexts, "plus"), (of_heads, "Sketches"), (Texts, "one_more")],
    ids=lambda one: str(one)[-20:],
)
@pytest.mark.some(22)
def test_an_add_that_fails_changes_nothing(monkeypatch, of, before, place, owner, name):
    """Whatever fails, and whenever: what it leaves is what there was, and the next text counts as if nothing had happened."""
    statistics, other = of.kind(**OPTIONS), of.kind(**OPTIONS)
    for number in range(before):
        of.add(statistics, number)
        of.add(other, number)
    was = known(statistics)
    with monkeypatch.context() as patch:
        faults = Faults(patch, owner, name, place)
        try:
            of.add(statistics, before)
        except AttnvizError:
            assert known(statistics) == was
        else:
            assert not faults.met  # there are no more calls
            return
    of.add(statistics, before)
    of.add(other, before)
    assert known(statistics)[0] == known(other)[0]


@BOTH
def test_a_library_that_is_missing_adds_no_text(monkeypatch, of):
    monkeypatch.setitem(sys.modules, "datasketches", None)
    statistics = of.kind(quantiles=(0.5,))
    with pytest.raises(AttnvizError, match="quantiles need datasketches, which is not installed"):
        of.add(statistics, 0)
    assert (statistics.texts, statistics.tokens, statistics.last, statistics.heads()) == (0, 0, None, [])


@BOTH
def test_what_was_merged_with_nothing_is_no_part_of_what_it_came_from(of):
    one = of.kind(**OPTIONS)
    of.add(one, 3)
    was = one.to_bytes()
    for both in (one.merged(of.kind(**OPTIONS)), of.kind(**OPTIONS).merged(one)):
        of.add(both, 4)
        assert one.to_bytes() == was
        assert both.texts == 2


@BOTH
def test_what_is_saved_is_read_again_with_all_that_is_kept_beside(of):
    statistics = of.kind(**OPTIONS)
    for number in range(4):
        of.add(statistics, number)
    again = of.kind.from_bytes(statistics.to_bytes(), "a.stats")
    assert again.to_bytes() == statistics.to_bytes()
    assert repr(again.heads()) == repr(statistics.heads())  # NaN is not itself
    assert (again.quantiles, again.top_texts) == ((0.0, 0.5, 1.0), 2)
    again.show_quantiles([1.0, 0.5])
    assert again.quantiles == (0.5, 1.0)


@BOTH
def test_quantiles_that_are_kept_in_one_alone_are_not_merged(of):
    with pytest.raises(AttnvizError, match="quantiles is true in one and false in the other"):
        of.kind(quantiles=(0.5,)).merged(of.kind())
    with pytest.raises(AttnvizError, match="top_texts is 2 in one and 1 in the other"):
        of.kind(top_texts=2).merged(of.kind(top_texts=1))
    with pytest.raises(AttnvizError, match="no quantiles were kept"):
        of.kind().show_quantiles([0.5])


def test_quantiles_and_top_texts_of_effects_are_those_of_all_values():
    """The largest rise of the loss and of the divergence, and the largest fall of the probability."""
    factors = (2.0, -1.0, 0.5, 3.0)
    statistics = EffectStatistics(**OPTIONS)
    for place, factor in enumerate(factors):
        statistics.add(made_effects(values=VALUES * factor), f"line {place}")
    values = numpy.stack([VALUES * factor for factor in factors])  # (texts, layers, effects, heads)
    for head in statistics.heads():
        for row, effect in enumerate(Effect):
            column = values[:, head.number, row, head.head]
            expected = numpy.quantile(column, (0.0, 0.5, 1.0), method="inverted_cdf")
            assert head.quantiles[effect] == pytest.approx(expected, rel=1e-6)  # float32
            order = sorted(column, reverse=effect is not Effect.PROBABILITY)[:2]
            assert [one.value for one in head.top[effect]] == order
            assert all(column[int(one.name.removeprefix("line "))] == one.value for one in head.top[effect])


def test_without_an_answer_nothing_is_told_of_its_probability():
    statistics = EffectStatistics(**OPTIONS)
    statistics.add(made_effects(answer=None), "line 1")
    head = statistics.heads()[0]
    assert [*head.values] == [*head.quantiles] == [*head.top] == [Effect.LOSS, Effect.KL]
    assert head.top[Effect.LOSS][0].name == "line 1"


def test_a_text_has_a_row_for_each_of_its_heads():
    with pytest.raises(AttnvizError, match="no text has been added yet"):
        EffectStatistics().rows()
    statistics = gathered()
    rows = [*statistics.rows()]
    assert [row[:5] for row in rows] == [("1", 7, layer, f"layer {layer}", head) for layer in (0, 1) for head in (0, 1)]
    assert [row[5] for row in rows] == [VALUES[row[2], :, row[4]].tolist() for row in rows]


def test_heads_are_ordered_by_a_metric_or_where_it_falls_by_its_fall():
    statistics = measured([1, 2, 3])
    metric: StrEnum = statistics.metrics[0]
    means = [head.values[metric].mean for head in statistics.ordered(statistics.heads(), metric)]
    assert means == sorted(means, reverse=True)
    effects = gathered()
    falls = [head.values[Effect.PROBABILITY].mean for head in effects.ordered(effects.heads(), Effect.PROBABILITY)]
    assert falls == sorted(falls)
