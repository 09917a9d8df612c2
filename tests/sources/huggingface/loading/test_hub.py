"""Whether a name means a folder, and whether the hub can be asked."""

from __future__ import annotations

import socket

import pytest

from attnviz import AttnvizError, trace_model
from attnviz.sources.huggingface.loading import hub

TEXT = "Your journey starts with one step"


def test_a_hub_that_nobody_answers_for_is_told_soon(monkeypatch):

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


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("owner/model", False),
        ("model", False),
        ("/model", True),
        ("./model", True),
        ("~/model", True),
        ("a/b/c", True),
    ],
)
def test_a_name_that_can_only_be_a_path_is_one(name, path):
    assert hub.is_path(name) is path


def test_the_hub_is_asked_where_it_can_be_and_may_be(monkeypatch):
    monkeypatch.setattr(hub, "_reachable", lambda: True)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert hub.can_be_asked()
    monkeypatch.setenv("HF_HUB_OFFLINE", "yes")
    assert not hub.can_be_asked()


def test_a_name_that_the_hub_does_not_know_is_told(monkeypatch):
    monkeypatch.setattr(hub, "_reachable", lambda: True)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert "neither a folder here nor a model that the Hugging Face hub" in hub.not_found("owner/model").message


def test_the_hub_can_be_reached_where_somebody_answers(monkeypatch):
    from huggingface_hub import constants

    for name in hub.PROXIES:
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        assert hub._reachable.__wrapped__()
    assert not hub._reachable.__wrapped__()  # the port is closed again
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert hub._reachable.__wrapped__()  # what answers is the proxy
