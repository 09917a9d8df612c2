"""The direction of a logit: what the heads of a last layer without a network behind it bring is what the model's own logit has of them."""

from __future__ import annotations

import numpy
import pytest
import torch
from tiny_models import model, tokenizer

from attnviz import AttnvizError, trace_model
from attnviz.sources.huggingface.direction import _norm, _Seen
from attnviz.trace.steps import Head

TEXT = "the cat sat on the mat"
LAST_NETWORK = {
    "Llama": "model.layers.1.mlp.down_proj",
    "GPT2": "transformer.h.1.mlp.c_proj",
    "Qwen3": "model.layers.1.mlp.down_proj",
}


def with_head(name: str):
    """A tiny model with its language head, and random numbers in all its norms and biases, which are 1 and 0 when it is made."""
    import transformers

    network = getattr(transformers, f"{name}{'LMHeadModel' if name == 'GPT2' else 'ForCausalLM'}")(model(name).config)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn(parameter.shape, generator=generator) / 3)
    return network.eval()


@pytest.mark.parametrize("name", LAST_NETWORK)
def test_the_contributions_are_what_the_models_own_logit_has_of_the_heads(name):
    network, cut = with_head(name), tokenizer()
    modules = dict(network.named_modules())
    for parameter in modules[LAST_NETWORK[name]].parameters():
        torch.nn.init.zeros_(parameter)
    trace = trace_model(network, TEXT, tokenizer=cut, toward="cat")
    layer = trace.layers[-1]
    assert [one.toward is not None for one in trace.layers] == [True, True]
    assert layer.toward.token.strip() == "cat"
    found = sum(Head(layer, head).contribution.sum(-1) for head in range(layer.heads))
    attention = modules[LAST_NETWORK[name].rpartition(".mlp")[0]]
    ids = torch.tensor([trace.source.text.ids])
    number = next(one for one in trace.source.text.ids if cut.decode(one).strip() == "cat")

    def without_heads(_, __, made):
        first, *rest = made
        projection = layer.projections["output"]
        bias = torch.zeros(first.shape[-1]) if projection.bias is None else torch.as_tensor(projection.bias)
        return bias.expand_as(first), *rest

    with torch.no_grad():
        kept = {}
        norm = next(m for path, m in network.named_modules() if path in ("model.norm", "transformer.ln_f"))
        hook = norm.register_forward_pre_hook(lambda _, given: kept.setdefault("x", given[0]))
        whole = network(ids).logits[0, :, number]
        x = kept.pop("x")
        own = next(m for path, m in attention.named_modules() if path in ("self_attn", "attn"))
        other = own.register_forward_hook(without_heads)
        network(ids)
        y = kept.pop("x")
        hook.remove()
        other.remove()
        # The model's own norm and unembedding, the norm's divisor held at what it is with the heads: rows of x and y share it.
        row = network.get_output_embeddings().weight[number]
        bias = getattr(norm, "bias", None)
        plain = norm(x)[0] - (0 if bias is None else bias)
        centre = (lambda z: z - z.mean(-1, keepdim=True)) if bias is not None else (lambda z: z)
        ratio = (centre(y)[0] * norm.weight) / (centre(x)[0] * norm.weight)
        expected = (plain * (1 - ratio)) @ row
        assert torch.allclose(network.get_output_embeddings()(norm(x))[0, :, number], whole, atol=1e-5)
    numpy.testing.assert_allclose(found, expected.numpy(), atol=2e-5 * float(expected.abs().max()) + 1e-5)


@pytest.mark.parametrize("name", ["Gemma2"])
def test_a_layer_whose_output_is_normed_before_it_is_added_has_no_straight_way(name):
    with pytest.raises(AttnvizError, match="has no straight way to its logits"):
        trace_model(with_head(name), TEXT, tokenizer=tokenizer(), toward="cat")


def test_a_model_that_fills_gaps_has_none_either():
    with pytest.raises(AttnvizError, match="has no straight way to its logits"):
        trace_model(model("Bert"), TEXT, tokenizer=tokenizer(), toward="cat")


def test_a_model_without_an_unembedding_says_so():
    network = with_head("Llama").model
    with pytest.raises(AttnvizError, match="LlamaModel has no language head: it predicts no tokens"):
        trace_model(network, TEXT, tokenizer=tokenizer(), toward="cat")


def test_a_token_that_is_not_in_the_vocabulary_is_named():
    with pytest.raises(AttnvizError, match=r"qqxyz is \d tokens to this model"):
        trace_model(with_head("Llama"), TEXT, tokenizer=tokenizer(), toward="qqxyz")


def test_a_decoder_that_reads_an_encoder_has_it_in_both_of_its_stacks():
    trace = trace_model(model("T5"), TEXT, tokenizer=tokenizer(), toward="cat")
    assert {one.stack for one in trace.layers if one.toward is not None} == {"decoder", "cross"}


def test_a_last_norm_of_no_known_kind_is_refused_and_none_is_none():
    x = torch.randn(1, 3, 4)
    odd = torch.nn.LayerNorm(4)
    seen = _Seen((odd, x, odd(x) ** 3), odd(x)[:, -1:] ** 3, frozenset())
    with pytest.raises(AttnvizError, match="the last norm of Odd is of no known kind"):
        _norm(seen, "Odd")
    plain = _norm(_Seen(None, x, frozenset()), "Plain")
    assert plain.divisors is None
    assert (plain.gain == 1).all()
