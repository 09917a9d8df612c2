"""What transformers raises, in one clear line each."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
import transformers

from attnviz import AttnvizError, trace_model
from attnviz.sources.huggingface.loading.errors import loading_errors, one_line, panics_told, pickled
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


def test_settings_that_ask_for_more_memory_than_there_is_are_not_called_damaged():
    expected = pytest.raises(AttnvizError, match="not enough memory for folder, or for what its config")
    with expected as told, loading_errors("folder"):
        torch.empty(1 << 60)
    assert "--dtype bfloat16" in told.value.hint


def test_nothing_of_transformers_is_heard(folders, capfd):
    load_model(str(folders / "Llama"), None, None, None)
    trace_model(folders / "Llama", TEXT)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("set trust_remote_code=True"), "mine needs code of its own"),
        (OSError("mine is not a local folder"), "mine"),
        (ImportError("install sentencepiece"), "mine: install sentencepiece"),
        (RuntimeError("  a\n  b  "), "mine cannot be loaded: a b"),
        (RuntimeError(), "mine cannot be loaded: RuntimeError"),
        (RuntimeError("Unknown type: \x1b[31m"), r"mine cannot be loaded: Unknown type: \\x1b\[31m$"),
        (RuntimeError("x" * 999), "mine cannot be loaded: x{200}$"),
        (MemoryError(), "^not enough memory for mine, or for what its config.json asks for$"),
        (KeyError("metadata"), "^mine cannot be loaded: 'metadata' is missing, or not known$"),
        (KeyError(), "^mine cannot be loaded: KeyError$"),
    ],
)
def test_whatever_is_raised_is_one_clear_line(error, message, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(AttnvizError, match=message) as told, loading_errors("mine"):
        raise error
    assert "\n" not in told.value.message
    assert told.value.hint


def test_a_clear_line_stays_as_it_is():
    mine = AttnvizError("mine", "hint")
    with pytest.raises(AttnvizError) as told, loading_errors("name"):
        raise mine
    assert told.value is mine


def test_transformers_speaks_again_afterwards():
    logging = transformers.utils.logging
    before = logging.get_verbosity()
    logging.enable_progress_bar()
    with loading_errors("name"):
        assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (logging.ERROR, False)
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (before, True)


def test_pickled_weights_are_named_with_a_way_out():
    error = pickled("mine", "pytorch_model.bin")
    assert "pytorch_model.bin" in error.message
    assert "save_pretrained" in error.hint
    assert one_line(ValueError("a\nb")) == "a b"


def test_a_model_that_needs_another_is_told_so(llama):
    """A backbone of the hub, which transformers would look up while it reads the settings."""
    (llama / "config.json").write_text(
        json.dumps({"model_type": "upernet", "backbone": "owner/backbone", "use_timm_backbone": False})
    )
    with pytest.raises(
        AttnvizError, match="needs something that does not lie in its folder, and attnviz fetches nothing"
    ):
        load_model(str(llama), None, None, None)


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit(3)])
def test_only_a_panic_is_made_an_exception_of(raised):
    with pytest.raises(type(raised)), panics_told():
        raise raised


def test_a_panic_is_told_where_no_more_files_can_be_opened(monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(24, "too many open files")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(RuntimeError, match=r"^of a library$"), panics_told():
        raise type("PanicException", (BaseException,), {})("of a library")
