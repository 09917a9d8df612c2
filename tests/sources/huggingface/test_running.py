"""How a model runs while it is watched."""

from __future__ import annotations

import copy
import threading

import pytest
import torch
from huggingface_hub import constants
from tiny_models import model

from attnviz import AttnvizError
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.running import LacksMemoryError, made_ready, running, running_here


@pytest.mark.parametrize("found", [True, False])
def test_it_is_closed_where_a_name_was_all_that_was_known(found, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with running(Model(model("Llama"), "tiny", found=found)):
        assert constants.HF_HUB_OFFLINE is found
        assert torch.is_inference_mode_enabled()
    assert not constants.HF_HUB_OFFLINE


def test_nothing_is_dropped_meanwhile_and_training_goes_on_after():
    network = copy.deepcopy(model("Llama")).train()
    with running(Model(network, "tiny")):
        assert not any(module.training for module in network.modules())
    assert all(module.training for module in network.modules())


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no\nsound"), "LlamaForCausalLM cannot read this: no sound"),
        (torch.OutOfMemoryError("CUDA"), "not enough memory for this text in this model"),
        (AttnvizError("said already"), "said already"),
    ],
)
def test_what_a_model_raises_is_one_line(error, message):
    with pytest.raises(AttnvizError, match=message), running(Model(model("Llama"), "tiny")):
        raise error


def test_any_thread_may_run_what_one_has_made_ready(tmp_path):
    """Each inside its own block: without gradients, and with its errors in one line."""
    torch.save({"a": 1}, tmp_path / "pickle.bin")
    network = copy.deepcopy(model("Llama")).train()
    ready = Model(network, "tiny", found=True)
    seen, told = [], []

    def runs():
        with running_here(ready):
            seen.append((torch.is_inference_mode_enabled(), network.training))
        try:
            with running_here(ready):
                torch.load(tmp_path / "pickle.bin")
        except AttnvizError as error:
            told.append(str(error))

    with made_ready(ready):
        thread = threading.Thread(target=runs)
        thread.start()
        thread.join()
        assert not torch.is_inference_mode_enabled()
    assert seen == [(True, False)]
    assert "a pickle, which can run any code" in told[0]
    assert network.training


def test_too_little_memory_is_told_apart_from_what_a_model_refuses():
    with pytest.raises(LacksMemoryError), running(Model(model("Llama"), "tiny")):
        raise MemoryError
    with pytest.raises(AttnvizError) as error, running(Model(model("Llama"), "tiny")):
        raise ValueError("no")
    assert not isinstance(error.value, LacksMemoryError)
