"""Which model is asked, and how many questions."""

from __future__ import annotations

from types import ModuleType

import pytest

from attnviz import AttnvizError
from attnviz.sources.answering import answering, usual_cases
from attnviz.sources.tiny.questions import TinyAnswering

OTHERS = "attnviz.sources.huggingface.answering"


def test_tiny_is_the_model_in_the_package():
    assert isinstance(answering("tiny"), TinyAnswering)
    assert usual_cases("tiny") == 1000


@pytest.mark.parametrize("option", ["device", "dtype", "device_map"])
def test_tiny_takes_no_option_of_torch(option):
    with pytest.raises(AttnvizError, match=f"^{option} is for a model of torch"):
        answering("tiny", **{option: "auto"})


@pytest.mark.parametrize("model", ["./tiny", "some/id", object()])
def test_any_other_is_left_to_transformers_with_where_it_goes(model, monkeypatch):
    asked = []
    module = ModuleType(OTHERS)
    module.load_answering = lambda *given, **named: asked.append((given, named)) or "loaded"
    monkeypatch.setitem(__import__("sys").modules, OTHERS, module)
    assert answering(model, device="cpu", dtype="float32", device_map="auto") == "loaded"
    assert asked == [((model,), {"device": "cpu", "dtype": "float32", "device_map": "auto", "adapter": None})]
    assert usual_cases(model) == 100
