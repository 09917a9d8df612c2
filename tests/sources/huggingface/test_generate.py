"""A model that is watched while it writes: its own tokens, and the weights of one pass over the whole text."""

from __future__ import annotations

import pytest
import torch
import transformers
from tiny_models import inputs, model, tokenizer
from writing_models import TEXT, WRITERS, network, unwatched, written

from attnviz import AttnvizError, generate, trace_model
from attnviz.trace.layer import Layer
from attnviz.trace.trace import load
from attnviz.trace.written import Written

FEW = [("Llama", None, TEXT), ("Mistral", "static", TEXT), ("Mistral", None, "Your"), ("T5", None, "Your")]
ALL = [(name, cache, text) for name in WRITERS for cache in (None, "static") for text in (TEXT, "Your")]


def whole(made, ids):
    """The trace of one pass over all that the model read."""
    given = torch.tensor([ids])
    if made.config.is_encoder_decoder:
        return lambda text: trace_model(
            made, {"input_ids": torch.tensor([tokenizer()(text).input_ids]), "decoder_input_ids": given}
        )
    return lambda _: trace_model(made, given)


def require_the_same(name, cache, text):
    """The tokens are generate()'s own; the weights and the rules those of one pass over all of them."""
    made = network(name, cache)
    trace, ids = written(made, text), unwatched(made, text)
    side = "target_ids" if made.config.is_encoder_decoder else "ids"
    assert trace.source[side] == ids[:-1]
    full = whole(made, ids[:-1])(text)
    assert [layer.title for layer in trace.layers] == [layer.title for layer in full.layers]
    for layer, other in zip(trace.layers, full.layers, strict=True):
        torch.testing.assert_close(layer.steps().weights, other.steps().weights, atol=1e-5, rtol=0)
        assert facts(layer) == facts(other)


def facts(layer: Layer):
    rule = layer.rule
    told = {name: getattr(rule, name) for name in ("scale", "causal", "query_offset", "window", "softcap")}
    return told | {name: getattr(rule, name) is None for name in ("mask", "bias", "sinks")}


@pytest.mark.parametrize(("name", "cache", "text"), FEW)
@pytest.mark.some(2)
def test_the_steps_together_are_one_pass_over_the_whole_text(name, cache, text):
    require_the_same(name, cache, text)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "cache", "text"), [case for case in ALL if case not in FEW])
def test_so_are_those_of_every_kind_of_model_and_cache(name, cache, text):
    require_the_same(name, cache, text)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Llama", "Gemma2", "Bart"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_half_precision_what_ran_is_kept_and_agrees_with_itself(name, dtype):
    made = network(name, dtype=dtype)
    trace, ids = written(made, tokens=12), unwatched(made, tokens=12)
    assert trace.source["target_ids" if name == "Bart" else "ids"] == ids[:-1]
    assert 0 < trace.source.agreement.largest_error < 0.02
    assert trace.layers[0].query.dtype is dtype


def test_what_was_written_is_told(tmp_path):
    made = network("Llama")
    steps: list[Written] = []
    trace = written(made, tokens=4, told=steps.append)
    prompt = len(tokenizer()(TEXT).input_ids)
    assert len(trace.tokens) == prompt + 3
    assert trace.generation.prompt == TEXT
    assert TEXT + trace.generation.text == tokenizer().decode(unwatched(made, tokens=4))
    assert trace.tokens[prompt:] == trace.generation.chosen[:-1]
    assert [step.step for step in steps] == [1, 2, 3, 4]
    assert [step.probability for step in steps] == list(trace.generation.probabilities)
    trace.save(tmp_path / "t.safetensors")
    read = load(tmp_path / "t.safetensors")
    assert (read.generation, read.predictions) == (trace.generation, trace.predictions)


@pytest.mark.parametrize("name", ["GPT2", "T5"])
def test_predictions_are_the_models_probabilities(name):
    """Of every position that ran, the prompt's among them, from the logits of one pass over the whole text."""
    made = network(name)
    trace, ids = written(made), unwatched(made)[:-1]
    given = {"input_ids": torch.tensor([tokenizer()(TEXT).input_ids])}
    given = given | {"decoder_input_ids": torch.tensor([ids])} if name == "T5" else {"input_ids": torch.tensor([ids])}
    with torch.inference_mode():
        logits = made(**given).logits[0]
    expected = torch.softmax(logits, -1).topk(5).values
    told = torch.tensor([[share for _, share in position] for position in trace.predictions])
    torch.testing.assert_close(told, expected, atol=1e-5, rtol=1e-4)
    first = len(trace.predictions) - len(trace.generation.chosen)
    assert [position[0][1] for position in trace.predictions[first:]] == list(trace.generation.probabilities)
    assert trace.predictions[first][0][0] == trace.generation.chosen[0]


def test_a_step_is_told_with_the_rows_so_far():
    made, seen = network("Bart"), []
    trace = written(made, tokens=3, told=lambda step: seen.append(step.rows(2)))
    for number, layers in enumerate(seen, start=1):
        assert [layer.title for layer in layers] == [layer.title for layer in trace.layers[2:]]
        for layer, later in zip(layers, trace.layers[2:], strict=True):
            assert layer.query.shape[1] == len(layer.tokens) == min(number, 2)
            assert layer.tokens == trace.query_tokens(later)[max(0, number - 2) : number]
            weights = later.steps().weights[:, max(0, number - 2) : number, : layer.key.shape[1]]
            torch.testing.assert_close(layer.steps().weights, weights, atol=1e-5, rtol=0)


def test_what_a_listener_raises_comes_out_as_it_is():
    def fails(_):
        raise RuntimeError("no reader")

    with pytest.raises(RuntimeError, match="no reader"):
        written(network("Llama"), told=fails)


def test_ids_without_a_tokenizer_are_their_own_labels():
    from attnviz import generate

    trace = generate(network("Llama"), [5, 6, 7], 2)
    assert trace.tokens[:3] == ("5", "6", "7")
    assert (trace.generation.prompt, trace.generation.text) == (None, None)
    given = inputs("Bart")
    trace = generate(network("Bart"), given, 2)
    assert trace.source["target_ids"][:-1] == given["decoder_input_ids"][0].tolist()


@pytest.mark.parametrize(
    ("name", "text", "tokens", "message"),
    [
        ("Llama", "", 3, "the tokenizer makes no tokens of this text"),
        ("Llama", TEXT, 64, "8 tokens before and 64 to be written are more than the 64 positions"),
        ("Bart", TEXT, 65, "1 token before and 65"),
        ("Bert", TEXT, 3, "a model of BertConfig reads the words on both sides of a gap"),
    ],
)
def test_what_cannot_be_written_is_one_line(name, text, tokens, message):
    made = network(name) if name != "Bert" else model(name)
    with pytest.raises(AttnvizError, match=message):
        written(made, text, tokens)


def test_an_image_alone_is_no_text_to_write_after():
    with pytest.raises(AttnvizError, match="there are no input_ids"):
        written(network("Llama"), {"inputs_embeds": torch.zeros(1, 2, 32)})


def test_the_last_position_can_be_used():
    made = network("Llama")
    assert len(written(made, [5] * 60, 5).tokens) == 64


def test_a_model_that_cannot_be_watched_is_refused_at_its_first_token():
    network = transformers.BloomForCausalLM(
        transformers.BloomConfig(vocab_size=330, hidden_size=32, n_layer=2, n_head=4)
    )
    ran = []
    network.register_forward_pre_hook(lambda *_: ran.append(1))
    with pytest.raises(AttnvizError, match="BloomForCausalLM computes attention in its own way") as error:
        generate(network.eval(), {"input_ids": torch.tensor([[5, 6, 7]])}, tokens=5)
    assert "explain, heatmap, html, stats and capture record what can be shown of it" in error.value.hint
    assert len(ran) == 1
