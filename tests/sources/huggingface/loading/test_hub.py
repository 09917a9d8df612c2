"""Whether a name means a folder, and whether the hub can be asked."""

from __future__ import annotations

import pytest

from attnviz import AttnvizError, trace_model

TEXT = "Your journey starts with one step"


def test_a_hub_that_nobody_answers_for_is_told_soon(monkeypatch):
    from attnviz.sources.huggingface.loading import hub

    monkeypatch.setattr(hub, "_reachable", lambda: False)
    with pytest.raises(
        AttnvizError, match="there is no folder nobody/nothing, and the Hugging Face hub cannot be reached"
    ):
        trace_model("nobody/nothing", TEXT)


def test_an_unknown_name_while_offline_says_what_to_do(monkeypatch):
    import huggingface_hub

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(AttnvizError, match="there is no folder nobody/nothing, and HF_HUB_OFFLINE keeps") as error:
        trace_model("nobody/nothing", TEXT)
    assert "hf download" in error.value.hint
