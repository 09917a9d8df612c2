"""The JSON of effects holds all that was measured."""

from __future__ import annotations

import json

from made_effects import VALUES, gathered, made_effects

from attnviz.choices import Effect
from attnviz.renderers.effects.effect_json import to_json


def test_it_holds_all_that_was_measured():
    found = json.loads(to_json(gathered(), Effect.KL))
    assert {name: found[name] for name in ("attnviz", "texts", "tokens", "skipped", "partial", "ablate", "answer")} == {
        "attnviz": 1, "texts": 1, "tokens": 7, "skipped": 0, "partial": False, "ablate": "mean", "answer": " Paris",
    }  # fmt: skip
    assert found["largest_error"] == 2e-7
    assert found["source"]["model"] == "made-up"
    assert {name: value["mean"] for name, value in found["whole"].items()} == {"loss": 3.5, "probability": 0.75}
    assert set(found["over"]) == {"loss", "probability", "kl"}
    first = found["heads"][0]
    assert (first["layer"], first["name"], first["head"]) == (1, "layer 1", 1)
    assert first["metrics"]["kl"] == {"mean": VALUES[1, 2, 1], "deviation": None, "count": 1}


def test_what_is_not_known_is_null_or_left_out():
    found = json.loads(to_json(gathered(made_effects(answer=None, loss=float("nan"))), None))
    assert found["answer"] is None
    assert found["whole"] == {"loss": {"mean": None, "deviation": None, "count": 0}}
    assert "probability" not in found["heads"][0]["metrics"]
