"""Effects over many texts are the mean and the deviation of those of each."""

from __future__ import annotations

import math

import numpy
import pytest
from made_effects import VALUES, gathered, made_effects

from attnviz.analysis.corpus import Statistics
from attnviz.analysis.effect_corpus import EffectStatistics
from attnviz.choices import Ablation, Effect
from attnviz.errors import AttnvizError


def test_many_texts_are_their_mean_and_deviation():
    other = 3 * VALUES + 1
    statistics = gathered(made_effects(), made_effects(values=other, loss=1.5))
    heads = statistics.heads()
    assert [(head.layer, head.number, head.head) for head in heads] == [
        ("layer 0", 0, 0), ("layer 0", 0, 1), ("layer 1", 1, 0), ("layer 1", 1, 1),
    ]  # fmt: skip
    both = numpy.stack([VALUES, other])
    for head in heads:
        for row, effect in enumerate(Effect):
            value, column = head.values[effect], both[:, head.number, row, head.head]
            assert (value.mean, value.deviation, value.count) == pytest.approx((column.mean(), column.std(ddof=1), 2))
    assert (statistics.texts, statistics.tokens, statistics.model, statistics.error) == (2, 14, "made-up", 2e-7)
    assert statistics.whole(Effect.LOSS).mean == pytest.approx(2.5)
    assert statistics.whole(Effect.PROBABILITY).mean == 0.75


def test_one_text_has_no_deviation():
    assert math.isnan(gathered().heads()[0].values[Effect.LOSS].deviation)


@pytest.mark.parametrize(
    ("sort", "first"), [(Effect.LOSS, (1, 0)), (Effect.PROBABILITY, (0, 0)), (Effect.KL, (1, 1)), (None, (0, 0))]
)
def test_the_heads_that_are_missed_most_come_first(sort, first):
    """The loss and the divergence rise without them, the probability falls."""
    head = gathered().heads(sort)[0]
    assert (head.number, head.head) == first


def test_a_head_without_a_value_comes_last():
    values = VALUES.copy()
    values[1, 0, 0] = math.nan
    last = gathered(made_effects(values=values)).heads(Effect.LOSS)[-1]
    assert (last.number, last.head) == (1, 0)


def test_the_answer_is_told_where_all_texts_have_the_same():
    assert gathered().answer == " Paris"
    assert gathered(made_effects(), made_effects()).answer == " Paris"
    assert gathered(made_effects(), made_effects(" Rome")).answer is None
    without = gathered(made_effects(answer=None))
    assert (without.answer, without.metrics) == (None, (Effect.LOSS, Effect.KL))
    assert list(without.heads()[0].values) == [Effect.LOSS, Effect.KL]


def test_what_was_not_added_is_not_there():
    statistics = EffectStatistics(Ablation.ZERO)
    assert (statistics.texts, statistics.heads(), statistics.ablation) == (0, [], Ablation.ZERO)
    broken = made_effects()._replace(source=None)
    with pytest.raises(AttributeError):
        statistics.add(broken)
    assert (statistics.texts, statistics.heads()) == (0, [])


def test_parts_are_merged_to_one_pass_over_all_texts():
    texts = [made_effects(values=VALUES * factor + factor, loss=factor) for factor in (1.0, 3.0, -2.0, 0.5)]
    whole, empty = gathered(*texts), EffectStatistics()
    merged = gathered(texts[3]).merged(gathered(texts[0], texts[2])).merged(empty).merged(gathered(texts[1]))
    kept = numpy.stack(
        [VALUES * factor + factor for factor in (1.0, 3.0, -2.0, 0.5)]
    )  # (texts, layers, effects, heads)
    for head in merged.heads():
        for row, effect in enumerate(Effect):
            column, value = kept[:, head.number, row, head.head], head.values[effect]
            assert value.mean == pytest.approx(column.mean(), rel=1e-12, abs=1e-13)
            assert value.deviation == pytest.approx(column.std(ddof=1), rel=1e-12, abs=1e-13)
            assert value.count == 4
    assert merged.whole(Effect.LOSS).mean == pytest.approx(whole.whole(Effect.LOSS).mean, rel=1e-12)
    assert (merged.texts, merged.tokens, merged.answer, merged.model) == (4, 28, " Paris", "made-up")


def test_of_two_answers_both_are_known_in_any_order():
    one, other = gathered(made_effects(" Rome")), gathered(made_effects(" Paris"), made_effects(" Oslo"))
    assert one.merged(other).answer is None
    assert other.merged(one).to_bytes() == one.merged(other).to_bytes()


def test_what_is_saved_is_read_again():
    statistics = gathered(made_effects(), made_effects(loss=1.0), ablation=Ablation.ZERO)
    statistics.skip("too long", "line 3")
    again = EffectStatistics.from_bytes(statistics.to_bytes(), "e.stats")
    assert again.to_bytes() == statistics.to_bytes()
    assert again.heads() == statistics.heads()
    assert (again.answer, again.ablation, again.skipped) == (" Paris", Ablation.ZERO, 1)


def test_what_was_measured_otherwise_is_refused():
    with pytest.raises(AttnvizError, match="ablate is mean in one and zero in the other"):
        gathered().merged(gathered(ablation=Ablation.ZERO))
    found = made_effects()
    fewer = found._replace(layers=tuple(one._replace(heads=(1,), values=one.values[:, 1:]) for one in found.layers))
    with pytest.raises(AttnvizError, match=r"head is \[0, 1\] in one and \[1\] in the other"):
        gathered().merged(gathered(fewer))
    with pytest.raises(AttnvizError, match=r"head is \[0, 1\] in one and \[1\] in the other"):
        gathered(found, fewer)
    with pytest.raises(
        AttnvizError, match=r"e\.stats: it holds statistics of weights, and those of effects are read here"
    ):
        EffectStatistics.from_bytes(Statistics().to_bytes(), "e.stats")
