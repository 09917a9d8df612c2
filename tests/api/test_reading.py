"""What reads the texts of a public call."""

from __future__ import annotations

import pytest

from attnviz.api.reading import reading, require_known, usual
from attnviz.api.traces import trace_text
from attnviz.errors import AttnvizError


def test_the_toy_reads_where_no_model_is_given():
    assert reading(None, None, [], {"heads": 2})("a b").layers[0].heads == 2
    assert reading(None, "char", [], {})("ab").tokens == ("a", "b")


def test_the_model_in_the_package_keeps_the_layers_that_are_named():
    assert [layer.index for layer in reading("tiny", None, ["1"], {})("a b").layers] == [1]


def test_a_model_of_transformers_is_loaded_once_with_what_it_is_loaded_with(monkeypatch):
    from attnviz.sources.huggingface.model import Model

    loaded = []
    monkeypatch.setattr(Model, "of", lambda *given, **options: loaded.append((given, options)))
    read = reading("owner/name", None, ["0"], {"dtype": "float32", "chat": True, "toward": "yes"})
    assert loaded == [(("owner/name", None), {"dtype": "float32", "predicts": True})]
    assert read.keywords == {"layer": ["0"], "chat": True, "toward": "yes"}


def test_an_option_of_something_else_is_refused():
    with pytest.raises(AttnvizError, match="chat is no option of trace_text"):
        require_known(trace_text, {"heads": 1, "chat": True})


def test_what_is_usual_is_what_the_calls_say():
    assert usual(None)["heads"] == 1
    assert "text" not in usual(None)
    assert (usual("tiny")["verify"], usual("tiny")["chat"]) == ("sample", False)
