"""What transformers raises, in one clear line each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from attnviz import AttnvizError, trace_model
from attnviz.sources.huggingface.loading.loader import load_model

TEXT = "Your journey starts with one step"


def rewrite(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_an_unknown_architecture(llama):
    rewrite(llama / "config.json", model_type="martian")
    with pytest.raises(AttnvizError, match=r"has an architecture that transformers .* does not know"):
        trace_model(llama, TEXT)


def test_weights_that_are_cut_short_or_of_another_shape(llama):
    whole = (llama / "model.safetensors").read_bytes()
    (llama / "model.safetensors").write_bytes(whole[:5000])
    with pytest.raises(AttnvizError, match="cannot be loaded"):
        trace_model(llama, TEXT)
    (llama / "model.safetensors").write_bytes(whole)
    rewrite(llama / "config.json", hidden_size=64)
    with pytest.raises(AttnvizError, match=r"has weights whose shapes do not match its config\.json"):
        trace_model(llama, TEXT)


def test_nothing_of_transformers_is_heard(folders, capfd):
    load_model(str(folders / "Llama"), None, None, None)
    trace_model(folders / "Llama", TEXT)
    assert capfd.readouterr() == ("", "")
