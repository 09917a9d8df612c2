"""Traces of weights that real code handed out: transformers' own, and those of torch's modules."""

from __future__ import annotations

import numpy
import pytest
import tiny_models
import torch

import attnviz
from attnviz.errors import AttnvizError
from attnviz.trace.generation import Generation

WHOLE = torch.softmax(torch.from_numpy(numpy.random.default_rng(0).standard_normal((2, 3, 4, 4))), -1)


def eager(name, **options):
    """A model that computes its weights itself, and a text for it."""
    model = tiny_models.model(name)
    ids = torch.tensor([[5, 17, 200, 17, 9, 33, 41]])
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            return model, ids, model(ids, output_attentions=True, **options)
    finally:
        model.set_attn_implementation(before)


@pytest.mark.parametrize("name", ["Llama", "Mistral", "GPT2", "Bert"])
def test_the_weights_of_transformers_are_those_of_the_trace_of_the_same_model(name):
    model, ids, out = eager(name)
    trace = attnviz.trace_weights(out.attentions, [f"t{one}" for one in ids[0].tolist()])
    own = attnviz.trace_model(model, ids)
    assert trace.source == {"kind": "arrays"}  # all rows add up
    assert len(trace.layers) == len(own.layers)
    for ours, theirs in zip(trace.layers, own.layers, strict=True):
        assert (ours.index, ours.heads) == (theirs.index, theirs.heads)
        numpy.testing.assert_allclose(
            numpy.asarray(ours.steps().weights), numpy.asarray(theirs.steps().weights), atol=1e-5
        )


def test_sinks_are_told_with_what_they_took():
    model, ids, out = eager("GptOss")
    trace = attnviz.trace_weights(out.attentions, [str(one) for one in ids[0].tolist()])
    told = trace.source["row_sums"]
    assert (told["off"], told["rows"]) == (2 * 4 * 7, 2 * 4 * 7)
    layer = trace.layers[int(told["layer"].split()[1])]
    taken = float(attnviz.pool(attnviz.trace_model(model, ids).layers[layer.index]).sink[told["head"], told["query"]])
    assert 1 - told["sum"] == pytest.approx(taken, abs=1e-5)
    assert float(attnviz.pool(layer).sink[told["head"], told["query"]]) == pytest.approx(taken, abs=1e-5)


@pytest.mark.parametrize("name", ["GPT2", "Mistral"])
def test_what_generate_hands_out_is_the_map_of_the_whole_text(name):
    model = tiny_models.model(name)
    ids = torch.tensor([[5, 17, 200, 17, 9]])
    model.set_attn_implementation("eager")
    try:
        out = model.generate(
            ids,
            max_new_tokens=6,
            min_new_tokens=6,
            do_sample=False,
            output_attentions=True,
            return_dict_in_generate=True,
        )
        with torch.no_grad():
            whole = model(out.sequences[:, :-1], output_attentions=True).attentions
    finally:
        model.set_attn_implementation("sdpa")
    words = [f"t{one}" for one in out.sequences[0].tolist()]
    trace = attnviz.trace_weights(out.attentions, words)
    assert trace.tokens == tuple(words[:-1])
    assert trace.generation == Generation(tuple(words[5:]))
    for layer, wanted in zip(trace.layers, whole, strict=True):
        numpy.testing.assert_allclose(layer.weights, wanted[0].numpy(), atol=1e-6)
    assert attnviz.trace_weights(out.attentions, words[:-1]).generation is None


def test_an_encoder_decoders_cross_attentions():
    model = tiny_models.model("Bart")
    read, written = torch.tensor([[5, 17, 200, 17, 9]]), torch.tensor([[0, 8, 7]])
    model.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            out = model(read, decoder_input_ids=written, output_attentions=True)
        steps = model.generate(
            read, max_new_tokens=4, min_new_tokens=4, num_beams=1, do_sample=False,
            output_attentions=True, return_dict_in_generate=True,
        )  # fmt: skip
    finally:
        model.set_attn_implementation("sdpa")
    trace = attnviz.trace_weights(out.cross_attentions, "a b c", key_tokens="v w x y z", kind="cross")
    layer = trace.layers[2]
    assert (layer.kind, trace.query_tokens(layer), trace.key_tokens(layer)) == ("cross", tuple("abc"), tuple("vwxyz"))
    assert (layer.weights == out.cross_attentions[2][0]).all()
    joined = attnviz.trace_weights(steps.cross_attentions, key_tokens="v w x y z", kind="cross")
    assert (joined.layers[0].queries, joined.layers[0].keys) == (len(steps.cross_attentions), 5)
    decoder = attnviz.trace_weights(steps.decoder_attentions)
    assert decoder.layers[0].queries == decoder.layers[0].keys == len(steps.decoder_attentions)


def test_torchs_own_module():
    torch.manual_seed(0)
    module = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    x = torch.randn(1, 5, 8)
    _, weights = module(x, x, x, need_weights=True, average_attn_weights=False)
    trace = attnviz.trace_weights([weights], "a b c d e")
    assert (trace.layers[0].weights == weights[0]).all()
    assert trace.explain(step="weights", head=1) is not None


def test_dropout_is_told():
    torch.manual_seed(1)
    dropped = torch.nn.functional.dropout(torch.full((1, 2, 6, 6), 1 / 6), 0.5)
    assert attnviz.trace_weights(dropped).source["row_sums"]["off"] > 6


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_is_no_fault(kind):
    trace = attnviz.trace_weights(torch.softmax(torch.randn(2, 3, 9, 9) * 3, -1).to(kind))
    assert "row_sums" not in trace.source


def test_positions_stand_for_tokens_that_nobody_gave():
    assert attnviz.trace_weights(WHOLE).tokens == ("0", "1", "2", "3")
    cross = attnviz.trace_weights(WHOLE[:, :, :2])
    assert (cross.tokens, cross.key_tokens(cross.layers[0])) == (("q0", "q1"), ("k0", "k1", "k2", "k3"))


def test_tokens_that_fit_the_keys_alone_are_theirs():
    trace = attnviz.trace_weights(WHOLE[:, :, 3:], "a b c d")
    assert (trace.tokens, trace.key_tokens(trace.layers[0])) == (("q0",), ("a", "b", "c", "d"))


def test_what_may_be_seen_can_be_told():
    weights = numpy.tril(numpy.ones((1, 1, 4, 4))) / numpy.arange(1, 5)[:, None]
    told = attnviz.trace_weights(weights, causal=True)
    assert told.layers[0].steps(0).hidden.tolist() == (~numpy.tri(4, dtype=bool)).tolist()
    assert not attnviz.trace_weights(weights).layers[0].steps(0).hidden.any()
    masked = attnviz.trace_weights(weights, mask=numpy.tri(4, dtype=bool))
    assert (masked.layers[0].steps(0).hidden == told.layers[0].steps(0).hidden).all()
    part = attnviz.trace_weights(weights[..., 2:, :], causal=True, query_offset=2, window=4)
    assert (part.layers[0].steps(0).hidden == told.layers[0].steps(0).hidden[2:]).all()


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        (WHOLE, {"tokens": "a b c"}, "3 tokens, but layer 0 has 4 queries: give one for each"),
        (WHOLE, {"tokens": "a"}, "1 token, but layer 0 has 4 queries"),
        (WHOLE, {"tokens": "a b c d", "key_tokens": "x y"}, "2 tokens, but layer 0 has 4 keys"),
        (WHOLE, {"tokens": [1, 2, 3, 4]}, "tokens must be strings"),
        (WHOLE, {"kind": "other"}, "expected self or cross"),
        (WHOLE, {"causal": True}, "layer 0: the weight .* is on a key that the rule hides"),
        (WHOLE, {"item": "first"}, "item is 'first': expected a whole number"),
        (WHOLE * 3, {}, "layer 0: the weight at head 0, query .* a weight is a number from 0 to 1"),
        (torch.log(WHOLE), {}, "a weight is a number from 0 to 1"),
        (WHOLE[:, :, :2], {"causal": True}, "2 queries and 4 keys: at which key"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(given, options, words):
    with pytest.raises(AttnvizError, match=words) as raised:
        attnviz.trace_weights(given, **options)
    assert "\n" not in raised.value.message


def test_layers_of_other_sizes_say_which_one_does_not_fit():
    with pytest.raises(AttnvizError, match="4 tokens, but layer 1 has 3 queries"):
        attnviz.trace_weights([WHOLE[0], WHOLE[1][:, :3, :3]], "a b c d")
