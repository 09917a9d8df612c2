"""What is captured of a model is what the model itself computes: every oracle here is the model's own."""

from __future__ import annotations

import copy
import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest
import tiny_models
import torch
import transformers
from tiny_models import CONFIGS, LAYERS, VOCABULARY, inputs, model

from attnviz import AttnvizError, load, trace_model
from attnviz.sources.huggingface import watch
from attnviz.sources.huggingface.watch import watching
from attnviz.sources.recording.agreement import TOLERANCES, checked_blocks, checked_queries
from attnviz.sources.recording.rule_from_mask import visibility

NAMES = [name for name in CONFIGS if name != "XLNet"]
PLAIN_CODE = ("Gemma2", "GptOss", "Splinter", "NllbMoe")  # transformers gives these no sdpa
DECODERS = ["Llama", "Mistral", "Gemma2", "GptOss", "GPT2"]


def forward(network, given, **options):
    with torch.inference_mode():
        return network(**given, **options)


def eager_attentions(network, given) -> list[torch.Tensor]:
    """The attentions of the model's own plain code, in the order of a trace's layers."""
    network = copy.deepcopy(network)
    network.set_attn_implementation("eager")
    outputs = forward(network, given, output_attentions=True)
    stacks = ("attentions", "encoder_attentions", "decoder_attentions", "cross_attentions")
    return [layer[0] for stack in stacks for layer in outputs.get(stack) or ()]


@pytest.fixture(scope="module", params=NAMES)
def traced(request):
    network = model(request.param)
    given = inputs(request.param)
    return request.param, network, given, trace_model(network, given)


def test_weights_equal_the_models_own_attentions(traced):
    _, network, given, trace = traced
    expected = eager_attentions(network, given)
    assert len(trace.layers) == len(expected)
    for layer, weights in zip(trace.layers, expected, strict=True):
        torch.testing.assert_close(layer.steps().weights, weights, atol=1e-5, rtol=0)
        torch.testing.assert_close(layer.steps(head=3).weights, weights[3], atol=1e-5, rtol=0)


def test_watching_changes_no_logit(traced):
    _, network, given, _ = traced
    untouched = forward(network, given)[0]
    with watching(network):
        watched = forward(network, given)[0]
    assert torch.equal(watched, untouched)


def test_the_model_is_left_as_it_was(traced):
    name, network, given, _ = traced
    assert network.config._attn_implementation == ("eager" if name in PLAIN_CODE else "sdpa")
    network.train()
    trace_model(network, given)
    assert network.training
    network.eval()


def test_how_exactly_is_stored_for_every_layer(traced):
    _, _, _, trace = traced
    known = trace.source["agreement"]
    assert sorted(known["errors"]) == sorted(layer.title for layer in trace.layers)
    assert 0 < known["largest_error"] == max(known["errors"].values()) < 1e-5
    assert known["checked_queries"] == max(layer.query.shape[1] for layer in trace.layers)


def test_no_mask_of_queries_by_keys_is_kept(traced):
    _, _, _, trace = traced
    for layer in trace.layers:
        assert layer.rule.mask is None
        bias = layer.rule.bias  # T5's: each row is a view of the one above, moved by one
        assert bias is None or bias.strides[1] == -bias.strides[2]


def test_a_saved_trace_gives_the_same_weights(traced, tmp_path):
    _, _, _, trace = traced
    trace.save(tmp_path / "t.safetensors")
    for layer, again in zip(trace.layers, load(tmp_path / "t.safetensors").layers, strict=True):
        numpy.testing.assert_allclose(again.steps().weights, layer.steps().weights, atol=1e-6)
        assert (again.title, again.kind, again.rule.window) == (layer.title, layer.kind, layer.rule.window)
    rows = sum(array.nbytes for layer in trace.layers for array in (layer.query, layer.key, layer.value))
    assert (tmp_path / "t.safetensors").stat().st_size < 1.5 * rows + 20_000  # T5's bias is not spread out


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("Llama", [(True, None, None), (True, None, None)]),
        ("Mistral", [(True, 4, None), (True, 4, None)]),
        ("Gemma2", [(True, 4, 2.0), (True, None, 2.0)]),
        ("GptOss", [(True, 4, None), (True, None, None)]),
        ("Bert", [(False, None, None), (False, None, None)]),
        ("ModernBert", [(False, None, None), (False, 3, None)]),
    ],
)
def test_the_rule_says_what_the_model_does(name, rules):
    layers = trace_model(model(name), inputs(name)).layers
    assert [(layer.rule.causal, layer.rule.window, layer.rule.softcap) for layer in layers] == rules


def test_grouped_heads_stay_grouped_and_sinks_take_their_share():
    layer = trace_model(model("GptOss"), inputs("GptOss")).layers[0]
    assert (layer.query.shape[0], layer.key.shape[0], layer.kv_head(3)) == (4, 2, 1)
    assert bool((layer.steps().weights.sum(-1) < 1).all())


def test_a_window_longer_than_the_text_is_still_said():
    layer = trace_model(model("Mistral"), inputs("Mistral", tokens=3)).layers[0]
    assert (layer.rule.causal, layer.rule.window) == (True, 4)


@pytest.mark.parametrize("name", ["T5", "Bart", "NllbMoe"])
def test_stacks_of_unequal_depth_are_named(name):
    trace = trace_model(model(name), inputs(name))
    assert [layer.name for layer in trace.layers] == [
        *("encoder 0", "encoder 1"),
        *("decoder 0", "decoder 1", "decoder 2"),
        *("cross 0", "cross 1", "cross 2"),
    ]
    assert [layer.kind for layer in trace.layers] == ["self"] * 5 + ["cross"] * 3
    assert trace.layers[5].query.shape[1:] == (7, 8)
    assert trace.layers[5].key.shape[1:] == (12, 8)


@pytest.mark.parametrize("name", [*DECODERS, "Bert", "ModernBert", "T5"])
@pytest.mark.parametrize("left", [True, False])
def test_padding_is_hidden_in_as_little_as_it_needs(name, left):
    network, given = model(name), inputs(name)
    seen = torch.ones_like(given["input_ids"])
    padding = slice(0, 3) if left else slice(-3, None)
    seen[:, padding] = 0
    given = {**given, "attention_mask": seen}
    trace = trace_model(network, given)
    for layer, weights in zip(trace.layers, eager_attentions(network, given), strict=True):
        if layer.stack != "decoder":
            assert layer.rule.mask.shape == (1, 12)
            assert torch.equal(layer.rule.mask[0], seen[0].bool())
        sees = ~layer.steps().blind  # plain code gives a query that sees nothing an even look at everything
        torch.testing.assert_close(layer.steps().weights[sees], weights[sees], atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("name", ["Llama", "Gemma2", "T5"])
def test_numbers_are_kept_as_they_came(name, dtype, tmp_path):
    trace = trace_model(model(name, dtype), inputs(name))
    assert {layer.query.dtype for layer in trace.layers} == {dtype}
    assert trace.source["dtype"] == str(dtype).removeprefix("torch.")
    assert trace.source["agreement"]["largest_error"] < TOLERANCES[trace.source["dtype"]]
    trace.save(tmp_path / "t.safetensors")
    arrays = load(tmp_path / "t.safetensors").layers[0]
    numpy.testing.assert_array_equal(
        arrays.query, trace.layers[0].query.to(torch.float64).numpy().astype(arrays.query.dtype)
    )


def test_only_the_chosen_layers_are_kept():
    def names(**options):
        return [layer.name for layer in trace_model(model("T5"), inputs("T5"), **options).layers]

    assert names(layer="cross") == ["cross 0", "cross 1", "cross 2"]
    assert names(layer="cross 1-2") == ["cross 1", "cross 2"]
    assert names(layer=1) == ["encoder 1", "decoder 1", "cross 1"]
    assert names(layer=["encoder 0", "decoder 2"]) == ["encoder 0", "decoder 2"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("9", "layer 9 does not exist: the model has layers 0 to 2"),
        ("0,9", "layer 9 does not exist: the model has layers 0 to 2"),
        ("encoder 2", "layer 2 does not exist: the model's encoder stack has layers 0 to 1"),
        ("vision", "there are no vision layers: the model has encoder, decoder, cross"),
    ],
)
def test_a_layer_that_does_not_exist_is_told_with_those_that_do(words, message):
    with pytest.raises(AttnvizError) as error:
        trace_model(model("T5"), inputs("T5"), layer=words)
    assert error.value.message == message


def test_a_model_that_ignores_the_switch_is_refused():
    network = model("XLNet")
    with pytest.raises(AttnvizError, match="XLNetModel computes attention in its own way"):
        trace_model(network, inputs("XLNet"))
    assert network.config._attn_implementation == "eager"


def made(config: transformers.PreTrainedConfig, kind: type = transformers.AutoModel) -> torch.nn.Module:
    torch.manual_seed(0)
    return kind.from_config(config).eval()


def test_stacks_that_cannot_be_watched_are_named():
    config = transformers.LongT5Config(
        vocab_size=50, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    network, given = made(config), {"input_ids": torch.arange(9)[None], "decoder_input_ids": torch.arange(5)[None]}
    trace = trace_model(network, given)
    assert {layer.stack for layer in trace.layers} == {"decoder", "cross"}
    assert trace.source["unseen"] == ["encoder.block.N.layer.N.LocalSelfAttention"]
    with pytest.raises(AttnvizError, match="there are no encoder layers") as error:
        trace_model(network, given, layer="encoder")
    assert "encoder.block.N.layer.N.LocalSelfAttention computes attention in its own way" in (error.value.hint or "")


def test_every_part_of_a_model_made_of_models_is_watched():
    bert = transformers.BertConfig(**CONFIGS["Bert"])
    decoder = transformers.BertConfig(**CONFIGS["Bert"], is_decoder=True, add_cross_attention=True)
    network = transformers.EncoderDecoderModel(encoder=made(bert), decoder=transformers.BertLMHeadModel(decoder)).eval()
    given = {"input_ids": torch.arange(9)[None], "decoder_input_ids": torch.arange(5)[None]}
    assert [layer.title for layer in trace_model(network, given).layers] == [
        f"{stack} {number}" for stack in ("encoder", "decoder", "cross") for number in (0, 1)
    ]


def test_two_maps_of_one_layer_are_refused():
    network = made(transformers.DiffLlamaConfig(**CONFIGS["Llama"]))
    with pytest.raises(AttnvizError, match="DiffLlamaModel computes attention in its own way"):
        trace_model(network, inputs("Llama"))


def test_digits_in_the_name_of_a_module_are_no_layer():
    config = transformers.Wav2Vec2Config(
        **LAYERS,
        vocab_size=20,
        conv_dim=[16, 16],
        conv_kernel=[3, 3],
        conv_stride=[2, 2],
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
    )
    trace = trace_model(made(config, transformers.AutoModelForCTC), {"input_values": torch.randn(1, 200)})
    assert [layer.title for layer in trace.layers] == ["layer 0", "layer 1"]


def clip() -> torch.nn.Module:
    text = {**LAYERS, "vocab_size": VOCABULARY, "max_position_embeddings": 40, "eos_token_id": 5}
    vision = {**LAYERS, "image_size": 32, "patch_size": 8}
    return made(transformers.CLIPConfig(text_config=text, vision_config=vision))


def test_patches_never_get_the_tokens_of_a_text():
    given = {"input_ids": inputs("Llama", 17)["input_ids"], "pixel_values": inputs("ViT")["pixel_values"]}
    trace = trace_model(clip(), given)
    text, image = (next(layer for layer in trace.layers if layer.stack == stack) for stack in ("", "vision"))
    assert trace.query_tokens(text)[0] == str(int(given["input_ids"][0, 0]))
    assert trace.query_tokens(image) == tuple(map(str, range(17)))  # as many, and yet no words


def test_what_a_model_misses_is_one_clear_line():
    with pytest.raises(AttnvizError, match=r"^CLIPModel cannot read this: "):
        trace_model(clip(), inputs("Llama"))
    with pytest.raises(AttnvizError, match=r"^LlamaModel cannot read this: "):
        trace_model(
            model("Llama").model, {**inputs("Llama"), "nonsense": torch.zeros(1, 1), "position_ids": torch.ones(3)}
        )


def test_threads_take_turns():
    network, given = model("Llama"), inputs("Llama")
    with ThreadPoolExecutor(4) as threads:
        traces = list(threads.map(lambda _: trace_model(network, given), range(12)))
    assert {len(trace.layers) for trace in traces} == {2}
    assert network.config._attn_implementation == "sdpa"


def test_a_module_that_does_not_train_is_left_so():
    network = copy.deepcopy(model("Llama")).train()
    network.model.layers[0].eval()
    trace_model(network, inputs("Llama"))
    assert network.training
    assert not network.model.layers[0].training


def test_what_is_kept_is_no_part_of_anything_larger():
    config = transformers.Phi3Config(**CONFIGS["Mistral"])
    for layer in trace_model(made(config), inputs("Llama")).layers:  # its query, key and value are one product
        for array in (layer.query, layer.key, layer.value):
            assert array.untyped_storage().nbytes() == array.nbytes
            assert not array.is_inference()


@pytest.mark.parametrize("name", ["Llama", "Gemma2"])
def test_a_wrong_map_is_never_shown(name, monkeypatch):
    def lying(*arguments):
        output = attention_output(*arguments)
        output[0, -1, 2] *= 1.01  # one head of the last query, by a hundredth
        return output

    attention_output = watch.attention_output
    monkeypatch.setattr(watch, "attention_output", lying)
    with pytest.raises(AttnvizError, match=r"^layer 1: attention recomputed .* head 2 differs by"):
        trace_model(model(name), inputs(name), layer=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    "change",
    [
        {"scale": 0.4},  # of 0.354
        {"causal": False},
        {"window": 8},
        {"softcap": 1.0},
        {"mask": torch.arange(12)[None] != 5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_wrong_rule_is_never_shown(change, dtype, monkeypatch):
    right = watch.call_rule
    monkeypatch.setattr(watch, "call_rule", lambda *given: dataclasses.replace(right(*given), **change))
    with pytest.raises(AttnvizError, match=r"^layer 0: attention recomputed"):
        trace_model(model("Llama", dtype), inputs("Llama"))


def test_numbers_that_are_not_finite_are_told_with_their_layer():
    network = copy.deepcopy(model("Llama"))
    with torch.no_grad():
        network.model.layers[1].self_attn.v_proj.weight[0, 0] = float("nan")
    with pytest.raises(AttnvizError, match=r"^layer 1: value is not finite: nan at head 0, token 0"):
        trace_model(network, inputs("Llama"))


def test_several_texts_at_once_are_refused():
    ids = inputs("Llama")["input_ids"]
    with pytest.raises(AttnvizError, match="input_ids holds 2 texts: a trace holds only one"):
        trace_model(model("Llama"), {"input_ids": torch.cat([ids, ids])})


def test_long_texts_are_compared_at_queries_spread_over_them():
    assert checked_blocks(512, 100)[-1] == (500, 512)
    assert checked_queries(512) == 512
    blocks = checked_blocks(10_000)
    assert checked_queries(10_000) >= 64
    assert (blocks[0][0], blocks[-1][1]) == (0, 10_000)


@pytest.mark.parametrize("name", ["Mistral", "Gemma2", "GptOss"])
def test_plain_code_on_some_queries_at_a_time_changes_nothing(name):
    network, given = model(name), inputs(name, tokens=40)
    untouched = forward(network, given)[0]
    with watching(network, cells=4 * 40 * 7):
        torch.testing.assert_close(forward(network, given)[0], untouched, atol=2e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tokens", [1, 2, 5, 64])
def test_texts_of_every_length(name, tokens):
    network, given = model(name), inputs(name, tokens=tokens, targets=max(tokens // 2, 1))
    for layer, weights in zip(trace_model(network, given).layers, eager_attentions(network, given), strict=True):
        torch.testing.assert_close(layer.steps().weights, weights, atol=1e-5, rtol=0)


def test_memory_grows_with_the_length_of_the_text():
    def size(tokens):
        given = tiny_models.inputs("Mistral", tokens)
        layer = trace_model(model("Mistral"), given).layers[0]
        arrays = (layer.query, layer.key, layer.value, layer.rule.mask, layer.rule.bias)
        return sum(array.nbytes for array in arrays if array is not None)

    assert size(200) == 20 * size(10)


@pytest.mark.parametrize("tokens", [1, 5, 9])
@pytest.mark.parametrize("window", [None, 1, 3, 9])
@pytest.mark.parametrize("causal", [True, False])
def test_a_mask_is_put_into_words_and_back(tokens, window, causal):
    distance = torch.arange(tokens)[:, None] - torch.arange(tokens)
    mask = torch.ones(tokens, tokens, dtype=torch.bool)
    mask &= distance >= 0 if causal else True
    mask &= distance.abs() < window if window else True
    said = visibility(mask[None])
    again = torch.ones(tokens, tokens, dtype=torch.bool)
    again &= distance >= 0 if said.causal else True
    again &= distance.abs() < said.window if said.window else True
    assert said.mask is None
    assert torch.equal(again, mask)
    added = torch.where(mask, 0.0, torch.finfo(torch.float32).min)  # the same, as models add it
    assert visibility(added[None]) == said


def test_a_mask_that_is_nothing_simple_is_kept():
    mask = torch.rand(2, 6, 6, generator=torch.Generator().manual_seed(0)) > 0.4
    assert torch.equal(visibility(mask).mask, mask)
    assert torch.equal(visibility(mask[:1]).mask, mask[0])
    bias = torch.randn(1, 6, 6)
    assert torch.equal(visibility(bias).bias, bias[0])
