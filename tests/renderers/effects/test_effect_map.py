"""The map of effects: layers × heads, two arms where a change has both signs."""

from __future__ import annotations

import math

import numpy
import pytest
from made_effects import VALUES, gathered, made_effects

from attnviz.choices import Effect
from attnviz.errors import AttnvizError
from attnviz.renderers.effects.effect_map import decide, usual


@pytest.mark.parametrize("effect", Effect)
def test_it_shows_each_head(effect):
    picture = decide(gathered(), effect)
    row = list(Effect).index(effect)
    numpy.testing.assert_array_equal(picture.panels[0].values, VALUES[:, row])
    assert (picture.queries, picture.keys, picture.axes) == (("layer 0", "layer 1"), ("0", "1"), ("layer", "head"))
    assert picture.scale.diverging == (VALUES[:, row].min() < 0)
    assert (picture.scale.low, picture.scale.high) == (
        -abs(VALUES[:, row]).max() if picture.scale.diverging else 0,
        abs(VALUES[:, row]).max(),
    )
    assert picture.measure == ("probability" if effect is Effect.PROBABILITY else "nats")


def test_it_says_what_it_is_of():
    picture = decide(gathered(), Effect.PROBABILITY)
    assert picture.title == "Change of the probability of “·Paris”"
    assert "loss with all heads" in picture.subtitle
    assert picture.subtitle.endswith("its output is its mean over the text")
    assert decide(gathered(), Effect.KL, "My own").title == "My own"


def test_a_head_without_a_value_is_unknown_and_none_at_all_an_error():
    values = VALUES.copy()
    values[0, 0, 1] = math.nan
    picture = decide(gathered(made_effects(values=values)), Effect.LOSS)
    assert picture.hidden
    assert picture.blank == "unknown"
    values[:, 0] = math.nan
    with pytest.raises(AttnvizError, match="no head has a value for loss: it is over the tokens of the text"):
        decide(gathered(made_effects(values=values)), Effect.LOSS)


def test_the_answer_is_what_a_person_asks_for():
    assert (usual(True), usual(False)) == (Effect.PROBABILITY, Effect.LOSS)
