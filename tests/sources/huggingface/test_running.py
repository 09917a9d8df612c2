"""How a model runs while it is watched."""

from __future__ import annotations

import copy

import pytest
import torch
from huggingface_hub import constants
from tiny_models import model

from attnviz import AttnvizError
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.running import running


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
