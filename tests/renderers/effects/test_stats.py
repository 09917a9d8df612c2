"""What Python gets of effects."""

from __future__ import annotations

import json

import pytest
from made_effects import gathered, made_effects

from attnviz.choices import Effect, Language
from attnviz.errors import AttnvizError
from attnviz.renderers.effects.stats import EffectStats


def test_it_prints_and_hands_its_numbers_on():
    found = EffectStats(gathered(), Effect.KL, Language.VI)
    assert str(found).splitlines()[5].startswith("lớp 1 · 1")
    assert json.loads(found.to_json())["heads"][0]["head"] == 1
    assert [one["metric"] for one in found.records[:3]] == ["loss", "probability", "kl"]
    assert found.to_csv().splitlines()[1].startswith("1,layer 1,1,loss,0.0")
    assert repr(found) == "EffectStats(4 heads, 3 metrics, 1 text; print() shows it)"
    assert "<table" in found._repr_html_()


def test_it_draws_a_map(tmp_path):
    EffectStats(gathered()).heatmap(path=tmp_path / "map.svg", title="Own title")
    assert "Own title" in (tmp_path / "map.svg").read_text()
    with pytest.raises(AttnvizError, match="metric is 'probability': measured are loss, kl"):
        EffectStats(gathered(made_effects(answer=None))).heatmap("probability")
