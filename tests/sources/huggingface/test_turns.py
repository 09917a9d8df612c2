"""The rotation of a model: seen in its own function, proved by its projections, or not claimed."""

from __future__ import annotations

import sys

import pytest
import torch
import transformers
from tiny_models import CONFIGS, GROUPED, inputs, model
from watched_models import made

from attnviz import trace_model
from attnviz.api import generate
from attnviz.sources.huggingface.seams import ROTARY

MORE = {
    "GPTNeoX": transformers.GPTNeoXConfig(
        vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, rotary_pct=0.5
    ),
    "Cohere": transformers.CohereConfig(**GROUPED),
    "Yarn": transformers.LlamaConfig(
        **GROUPED,
        max_position_embeddings=256,
        rope_parameters={
            "rope_type": "yarn",
            "rope_theta": 10000.0,
            "factor": 4.0,
            "original_max_position_embeddings": 64,
        },
    ),
}
TURNED = ["Llama", "Mistral", "Gemma2", "GptOss", "Qwen2", "Qwen3", "ModernBert"]


def network_of(name):
    return model(name) if name in CONFIGS else made(MORE[name])


def ids(count=9):
    return {"input_ids": torch.arange(count)[None] + 5}


def projected(network, given):
    """What the projections (and norms behind them) of each attention gave before it was turned: (heads, tokens, d) of q and k."""
    found: list[dict[str, torch.Tensor]] = []
    file = sys.modules[type(next(one for one in network.modules() if "Attention" in type(one).__name__)).__module__]
    original = getattr(file, ROTARY)

    def noted(q, k, *arguments, **options):
        found.append({"query": q[0].clone(), "key": k[0].clone()})
        return original(q, k, *arguments, **options)

    setattr(file, ROTARY, noted)
    try:
        with torch.inference_mode():
            network(**given)
    finally:
        setattr(file, ROTARY, original)
    return found


@pytest.mark.parametrize("name", [*TURNED, *MORE])
def test_turned_back_the_queries_and_keys_are_what_the_projections_gave(name):
    network, given = network_of(name), ids()
    before = projected(network, given)
    layers = trace_model(network, given).layers
    assert len(before) == len(layers)
    for layer, vectors in zip(layers, before, strict=True):
        assert layer.rotary
        for side in ("query", "key"):
            back = layer.rotation.turned_back(getattr(layer, side))
            torch.testing.assert_close(torch.tensor(back), vectors[side].double(), atol=1e-5, rtol=1e-4)


def test_the_pairs_the_numbers_left_alone_and_the_gain_are_the_models_own():
    rotations = {name: trace_model(network_of(name), ids()).layers[0].rotation for name in ("Llama", *MORE)}
    assert rotations["Llama"].halves
    assert rotations["Llama"].gain == 1
    assert not rotations["Cohere"].halves
    assert len(rotations["GPTNeoX"].frequencies) == 2  # of the four pairs of a head of 8 numbers
    assert rotations["Yarn"].gain == pytest.approx(0.1 * torch.log(torch.tensor(4.0)).item() + 1)
    torch.testing.assert_close(
        torch.tensor(rotations["Llama"].frequencies),
        10000.0 ** (-torch.arange(4, dtype=torch.float64) / 4),
        rtol=1e-4,
        atol=0,
    )


def test_in_half_precision_the_rotation_is_found_too():
    network = made(transformers.LlamaConfig(**CONFIGS["Llama"])).to(torch.bfloat16)
    for layer in trace_model(network, ids(20)).layers:
        assert layer.rotation.halves
        assert layer.rotation.frequencies[0] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", ["GPT2", "Bert", "T5", "Bart", "ViT"])
def test_a_model_that_turns_nothing_has_none(name):
    for layer in trace_model(model(name), inputs(name)).layers:
        assert not layer.rotary
        assert layer.rotation is None


def test_one_token_tells_no_frequency():
    layer = trace_model(model("Llama"), ids(1)).layers[0]
    assert layer.rotary
    assert layer.rotation is None


CHANGED = {
    "another length": lambda q, k, cos, _: (q * cos.mean() * 2, k),
    "nothing": lambda q, k, *_: (q, k),
    "no sine": lambda q, k, cos, _: (q * cos, k * cos),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_function_that_does_something_else_is_not_claimed_to_turn_by_angles(monkeypatch, change):
    from transformers.models.llama import modeling_llama

    monkeypatch.setattr(
        modeling_llama, ROTARY, lambda q, k, cos, sin: CHANGED[change](q, k, cos[:, None], sin[:, None])
    )
    for layer in trace_model(model("Llama"), ids()).layers:
        assert layer.rotary
        assert layer.rotation is None


def test_positions_that_do_not_count_from_0_are_not_claimed():
    given = ids() | {"position_ids": torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5]])}
    for layer in trace_model(model("Llama"), given).layers:
        assert layer.rotary
        assert layer.rotation is None


def test_another_function_without_keys_is_let_alone(monkeypatch):
    from transformers.models.llama import modeling_llama

    original = getattr(modeling_llama, ROTARY)
    monkeypatch.setattr(modeling_llama, ROTARY, lambda *pair, **rest: original(*pair, **rest))
    layer = trace_model(model("Llama"), ids()).layers[0]
    assert layer.rotary
    assert layer.rotation is None


def test_the_models_file_is_left_as_it_was():
    from transformers.models.llama import modeling_llama

    before = getattr(modeling_llama, ROTARY)
    trace_model(model("Llama"), ids())
    assert getattr(modeling_llama, ROTARY) is before


def test_what_a_model_writes_is_told_to_be_turned():
    writer = made(transformers.LlamaConfig(**CONFIGS["Llama"]), transformers.AutoModelForCausalLM)
    assert all(layer.rotary and layer.rotation is None for layer in generate(writer, ids(4), 3).layers)
