"""Files of parts of a corpus, joined: whatever their numbers are of, and each once."""

from __future__ import annotations

import pytest
from made_corpora import measured
from made_effects import VALUES, gathered, made_effects

from attnviz.analysis.corpus import Statistics
from attnviz.analysis.effect_corpus import EffectStatistics
from attnviz.analysis.head_names import HeadName
from attnviz.analysis.saved_corpus import merged_parts, read_statistics
from attnviz.choices import Effect
from attnviz.errors import AttnvizError


def weights(*numbers, **options) -> bytes:
    return measured(numbers, **options).to_bytes()


def test_a_file_says_what_its_numbers_are_of():
    assert isinstance(read_statistics(weights(1), "a"), Statistics)
    assert isinstance(read_statistics(gathered().to_bytes(), "a"), EffectStatistics)


def test_parts_are_joined_in_their_order():
    whole = merged_parts([("a", weights(1, 2)), ("b", weights(3)), ("c", weights(4))])
    assert whole.texts == 4
    assert merged_parts([("a", gathered().to_bytes()), ("b", gathered(made_effects(loss=2.0)).to_bytes())]).texts == 2


def test_thresholds_and_quantiles_may_be_chosen_anew():
    parts = [
        ("a", weights(1, 2, thresholds={HeadName.BROAD: 0.2}, quantiles=(0.5,))),
        ("b", weights(3, quantiles=(0.5,))),
    ]
    with pytest.raises(AttnvizError, match=r"b: they cannot be merged: threshold\.broad is 0\.2 in one and 0\.85"):
        merged_parts(parts)
    whole = merged_parts(parts, {HeadName.BROAD: 0.3}, (0.1, 0.9))
    assert (whole.thresholds[HeadName.BROAD], whole.quantiles) == (0.3, (0.1, 0.9))
    for without in (weights(1), gathered().to_bytes()):
        with pytest.raises(AttnvizError, match="no quantiles were kept of these texts"):
            merged_parts([("a", without)], {}, (0.5,))


def test_effects_have_quantiles_as_well_and_no_thresholds():
    effects = EffectStatistics(quantiles=(0.5,))
    effects.add(made_effects(), "line 1")
    effects.add(made_effects(values=3 * VALUES), "line 2")
    whole = merged_parts([("a", effects.to_bytes())], {}, (0.0, 1.0))
    assert whole.heads()[0].quantiles[Effect.LOSS] == [0.5, 1.5]
    with pytest.raises(AttnvizError, match="heads are not named by their effects"):
        merged_parts([("a", effects.to_bytes())], {HeadName.BROAD: 0.3})


def test_the_same_texts_twice_are_told():
    with pytest.raises(AttnvizError, match="b holds the same as a: each text would count twice"):
        merged_parts([("a", weights(1)), ("b", weights(1))])
    assert merged_parts([("a", weights()), ("b", weights()), ("c", weights(1))]).texts == 1  # of none, none twice


def test_weights_and_effects_are_not_joined():
    for parts in ([("a", weights(1)), ("b", gathered().to_bytes())], [("b", gathered().to_bytes()), ("a", weights(1))]):
        with pytest.raises(
            AttnvizError, match=r"it holds statistics of \w+, and the others of \w+: they cannot be merged"
        ):
            merged_parts(parts)


def test_nothing_at_all_is_an_error():
    with pytest.raises(AttnvizError, match="there is nothing to merge"):
        merged_parts([])
    with pytest.raises(AttnvizError, match="no text was measured in these files"):
        merged_parts([("a", weights())])
