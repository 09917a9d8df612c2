"""From options to a model that can be asked."""

from __future__ import annotations

import pytest

from attnviz import AttnvizError
from attnviz.choices import Dtype
from attnviz.cli.input.answering import read_answering
from attnviz.cli.options.engine import DeviceOptions
from attnviz.cli.options.roles import AskedModelOptions
from attnviz.errors import UsageError
from attnviz.sources import answering as choice


def test_without_a_model_tiny_is_asked():
    assert read_answering(AskedModelOptions(), DeviceOptions()).name == "tiny"


@pytest.mark.parametrize(
    ("options", "engine", "flag"),
    [
        ({"device_map": "auto"}, {}, "--device-map"),
        ({}, {"device": "cpu"}, "--device"),
        ({}, {"dtype": Dtype.FLOAT16}, "--dtype"),
    ],
)
def test_tiny_has_no_place_to_go(options, engine, flag):
    with pytest.raises(UsageError, match=f"^{flag} is for a model of torch, and the tiny model runs in NumPy alone"):
        read_answering(AskedModelOptions(**options), DeviceOptions(**engine))


def test_another_model_is_loaded_where_the_options_say(monkeypatch):
    asked = []
    monkeypatch.setattr(choice, "answering", lambda *given, **named: asked.append((given, named)) or "loaded")
    options = AskedModelOptions(model="some/id", device_map="auto")
    assert read_answering(options, DeviceOptions(device="cpu", dtype=Dtype.FLOAT16)) == "loaded"
    assert asked == [(("some/id",), {"device": "cpu", "dtype": "float16", "device_map": "auto", "adapter": None})]


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(choice, "answering", failing(ModuleNotFoundError("", name="transformers")))
    with pytest.raises(AttnvizError, match="--model needs transformers, which is not installed") as raised:
        read_answering(AskedModelOptions(model="some/id"), DeviceOptions())
    assert raised.value.hint == "pip install 'attnviz[models]'"


def test_a_library_that_finds_no_memory_is_not_missing(monkeypatch):
    monkeypatch.setattr(choice, "answering", failing(ImportError("cannot allocate memory in static TLS block")))
    with pytest.raises(ImportError):
        read_answering(AskedModelOptions(model="some/id"), DeviceOptions())
