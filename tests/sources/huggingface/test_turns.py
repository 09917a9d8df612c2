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
from attnviz.sources.huggingface import turns
from attnviz.sources.huggingface.seams import ROTARY

PARTIAL = GROUPED | {"partial_rotary_factor": 0.5}
MORE = {
    "GPTNeoX": transformers.GPTNeoXConfig(
        vocab_size=99, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, rotary_pct=0.5
    ),
    "Cohere": transformers.CohereConfig(**GROUPED),
    "Phi": transformers.PhiConfig(**PARTIAL),
    "StableLm": transformers.StableLmConfig(**PARTIAL),
    "Glm": transformers.GlmConfig(**PARTIAL, head_dim=8),
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
            back = torch.tensor(layer.rotation.turned_back(getattr(layer, side)))[..., : vectors[side].shape[-1]]
            torch.testing.assert_close(back, vectors[side].double(), atol=1e-5, rtol=1e-4)


def test_the_pairs_the_numbers_left_alone_and_the_gain_are_the_models_own():
    rotations = {name: trace_model(network_of(name), ids()).layers[0].rotation for name in ("Llama", *MORE)}
    assert rotations["Llama"].halves
    assert rotations["Llama"].gain == 1
    assert not rotations["Cohere"].halves
    for part in ("GPTNeoX", "Phi", "StableLm", "Glm"):
        assert len(rotations[part].frequencies) == 2, part  # of the four pairs of a head of 8 numbers
    assert rotations["Phi"].halves
    assert not rotations["Glm"].halves
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


def writer_of(config):
    return made(config, transformers.AutoModelForCausalLM)


@pytest.mark.parametrize("name", ["Llama", "Phi"])
def test_what_a_model_writes_is_turned_as_one_pass_over_the_same_text_turns_it(name):
    writer = writer_of(MORE.get(name) or transformers.LlamaConfig(**CONFIGS[name]))
    written = generate(writer, ids(4), 6)
    whole = torch.cat([ids(4)["input_ids"][0], writer.generate(**ids(4), max_new_tokens=6, do_sample=False)[0, 4:-1]])
    for layer, same in zip(written.layers, trace_model(writer, {"input_ids": whole[None]}).layers, strict=True):
        assert layer.rotary
        torch.testing.assert_close(
            *(torch.tensor(one.rotation.frequencies) for one in (layer, same)), rtol=1e-4, atol=1e-6
        )
        for side in ("query", "key"):
            back = [torch.tensor(one.rotation.turned_back(getattr(one, side))) for one in (layer, same)]
            torch.testing.assert_close(*back, atol=1e-5, rtol=1e-4)


def test_one_token_to_go_on_from_tells_no_frequency():
    for layer in generate(writer_of(transformers.LlamaConfig(**CONFIGS["Llama"])), ids(1), 3).layers:
        assert layer.rotary
        assert layer.rotation is None


def test_frequencies_that_change_while_the_text_grows_are_not_claimed():
    """LongRoPE turns by other angles once the text is longer than the model was first trained for."""
    factors = {"short_factor": [1.0] * 4, "long_factor": [2.0] * 4, "original_max_position_embeddings": 8}
    scaled = {"rope_type": "longrope", "rope_theta": 10000.0, **factors}
    writer = writer_of(transformers.LlamaConfig(**CONFIGS["Llama"], rope_parameters=scaled))
    for layer in generate(writer, ids(4), 3).layers:
        assert layer.rotation is not None
    for layer in generate(writer, ids(6), 8).layers:
        assert layer.rotary
        assert layer.rotation is None


def test_a_part_of_several_turns_is_not_taken_for_the_only_one(monkeypatch):
    """Where something else is turned as well, nobody knows that the numbers behind the turned ones are as they were."""
    from transformers.models.phi import modeling_phi

    original = modeling_phi.PhiAttention.forward

    def forward(self, hidden_states, position_embeddings, *arguments, **options):
        some = torch.ones(1, 1, hidden_states.shape[1], position_embeddings[0].shape[-1])
        getattr(modeling_phi, ROTARY)(some, some, *position_embeddings)
        return original(self, hidden_states, position_embeddings, *arguments, **options)

    assert trace_model(network_of("Phi"), ids()).layers[0].rotation is not None
    monkeypatch.setattr(modeling_phi.PhiAttention, "forward", forward)
    layer = trace_model(network_of("Phi"), ids()).layers[0]
    assert layer.rotary
    assert layer.rotation is None


def test_cosines_that_a_model_writes_into_its_own_arrays_are_looked_at_again():
    network = made(transformers.LlamaConfig(**CONFIGS["Llama"]))
    original, own = network.rotary_emb.forward, [torch.empty(1, 9, 8) for _ in range(2)]

    def forward(*arguments, **options):
        return tuple(array.copy_(new) for array, new in zip(own, original(*arguments, **options), strict=True))

    network.rotary_emb.forward = forward
    before = trace_model(network, ids()).layers[1].rotation.frequencies
    network.rotary_emb.inv_freq.mul_(0.5)
    after = trace_model(network, ids()).layers[1].rotation.frequencies
    torch.testing.assert_close(torch.tensor(after), torch.tensor(before / 2), rtol=1e-5, atol=0)


def test_a_text_of_the_same_length_has_the_same_rotation_without_another_look(monkeypatch):
    network = made(transformers.LlamaConfig(**CONFIGS["Llama"]))
    one = trace_model(network, ids(11)).layers[0].rotation
    monkeypatch.setattr(turns, "_rotations", None)
    assert trace_model(network, ids(11)).layers[0].rotation is one
    monkeypatch.undo()
    assert trace_model(network, ids(12)).layers[0].rotation is not one
    monkeypatch.setattr(turns, "REMEMBERED", 0)
    trace_model(network, ids(13))
    assert not turns._last_seen
