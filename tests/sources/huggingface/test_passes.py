"""Many texts in one pass: each as alone, and what is exchanged in a head is what torch's own hooks exchange."""

from __future__ import annotations

import copy

import pytest
import torch
import transformers
from asked_models import ALL, CAUSAL, HEADS, LAYERS, asked, logits, outputs, replaced
from tiny_models import CONFIGS, VOCABULARY, model

from attnviz import AttnvizError
from attnviz.sources.huggingface import watch
from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.huggingface.call_rules import OncePerTensor
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.passes import Seen, batches, exchanged, passes, read_all

IDS = torch.randint(3, VOCABULARY, (3, 9), generator=torch.Generator().manual_seed(2))
TEXTS = batches([(row.tolist(), 8) for row in IDS])
VALUE = torch.linspace(-1, 1, 8)


def read(model: Model, visit, **options):
    made = []
    read_all(model, TEXTS, lambda _: visit, lambda _, result: made.append(result.logits[:, -1]), **options)
    return torch.cat(made)


def weights_of(model: Model) -> list[torch.Tensor]:
    found = []

    def visit(seen: Seen) -> torch.Tensor:
        found.append(seen.weights())
        return seen.output

    read_all(model, TEXTS, lambda _: visit)
    return found


def encoder_of_t5() -> Model:
    """Whose scores get a bias by distance."""
    torch.manual_seed(0)
    config = transformers.T5Config(**CONFIGS["T5"], is_encoder_decoder=False)
    return Model(transformers.T5EncoderModel(config).eval(), "T5Encoder")


@pytest.mark.parametrize("name", [*CAUSAL, "Mistral", "Bert", "ModernBert", "Albert", "T5Encoder"])
def test_the_weights_of_each_text_are_the_models_own(name):
    one = encoder_of_t5() if name == "T5Encoder" else Model(model(name), name)
    eager = copy.deepcopy(one.model)
    eager.set_attn_implementation("eager")
    with torch.no_grad():
        expected = eager(IDS, output_attentions=True).attentions
    for found, weights in zip(weights_of(one), expected, strict=True):
        torch.testing.assert_close(found, weights, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("question", [None, 8])
def test_what_is_exchanged_is_what_the_projection_multiplies(name, question):
    one = asked(name)
    for head in ((0, 1), (1, 3)):
        value = VALUE if question is None else VALUE + torch.arange(3)[:, None]
        found = read(one, exchanged(head, value, question))
        for row, ids in enumerate(IDS.tolist()):
            expected = replaced(
                one, ids, head, value if question is None else value[row], ALL if question is None else question
            )
            torch.testing.assert_close(found[row], expected, atol=1e-4, rtol=1e-4)
            assert (found[row] - logits(one, ids)).abs().max() > 0.01


def test_nothing_else_is_changed():
    one = asked("Llama")
    found = read(one, lambda seen: seen.output, checked=True)
    for row, ids in zip(found, IDS.tolist(), strict=True):
        torch.testing.assert_close(row, logits(one, ids), atol=1e-4, rtol=1e-4)
    assert one.model.config._attn_implementation == "sdpa"


def test_outputs_are_those_before_the_projection():
    one, found = asked("GPT2"), {}

    def visit(seen: Seen) -> torch.Tensor:
        found[seen.number] = seen.output
        return seen.output

    read(one, visit)
    for layer in range(LAYERS):
        assert found[layer].shape == (3, 9, HEADS, 8)
        torch.testing.assert_close(found[layer][1], outputs(one, IDS[1].tolist(), layer), atol=1e-5, rtol=1e-5)


def test_texts_of_one_length_are_together():
    texts = [([1, 2, 3], 2), ([4], 0), ([5, 6, 7], 2), ([8, 9, 9], 1), ([1, 1, 1], 2)]
    found = [(batch.places, tuple(batch.ids.shape), batch.question) for batch in batches(texts, together=7)]
    assert found == [([1], (1, 1), 0), ([3], (1, 3), 1), ([0, 2], (2, 3), 2), ([4], (1, 3), 2)]
    assert [batch.places for batch in batches(texts, together=1)] == [[1], [3], [0], [2], [4]]


def test_a_rule_that_is_not_understood_is_told(monkeypatch):
    one, odd = Model(copy.deepcopy(model("Gemma2")), "odd"), transformers.models.gemma2.modeling_gemma2
    plain = odd.eager_attention_forward

    def other(*given, **options):
        output, weights = plain(*given, **options)
        return output * 2, weights

    monkeypatch.setattr(odd, "eager_attention_forward", other)
    with pytest.raises(AttnvizError, match=r"layer 0: attention recomputed .* head"):
        read(one, lambda seen: seen.output, checked=True)


def test_masks_that_differ_from_text_to_text_are_refused():
    query, mask = torch.zeros(2, 1, 3, 4), torch.ones(2, 1, 3, 3, dtype=torch.bool)
    mask[1, 0, 2, 0] = False
    call = AttentionCall("sdpa", torch.nn.Module(), query, query, query, mask, {})
    with pytest.raises(AttnvizError, match="Module masks each text in another way"):
        Seen(0, call, query, OncePerTensor()).weights()


def test_a_model_that_attends_in_parts_is_refused():
    class PartedAttention(transformers.models.llama.modeling_llama.LlamaAttention):
        def forward(self, *given, **options):
            super().forward(*given, **options)
            return super().forward(*given, **options)

    one = Model(copy.deepcopy(model("Llama")), "parted")
    one.model.model.layers[1].self_attn.__class__ = PartedAttention
    with pytest.raises(AttnvizError, match=r"layers\.1\.self_attn attends to parts of a text one by one"):
        read(one, lambda seen: seen.output)


def test_a_bias_and_a_sink_are_those_of_each_texts_heads():
    bias = -torch.arange(3.0) * torch.arange(1, 5)[:, None, None].expand(4, 3, 3)
    query = torch.randn(2, 4, 3, 8, generator=torch.Generator().manual_seed(1))
    options = {"s_aux": torch.linspace(-1, 1, 4), "position_bias": bias[None], "scaling": 0.5}
    call = AttentionCall("eager", torch.nn.Module(), query, query, query, None, options)
    found = Seen(0, call, query, OncePerTensor()).weights()
    scores = query @ query.mT * 0.5 + bias
    sinks = options["s_aux"][None, :, None, None].expand(2, 4, 3, 1)
    expected = torch.softmax(torch.cat([scores, sinks], -1), -1)[..., :-1]
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_the_model_reads_on_its_own_device_without_a_gradient():
    with passes(asked("Llama")) as watch:
        made = watch.read(IDS, lambda seen: seen.output)
    assert not made.logits.requires_grad
    assert made.logits.shape[1] == 1  # no more than the question's


def test_nothing_of_a_run_is_kept_and_what_fails_in_one_is_not_told_of_the_next(monkeypatch):
    original, wrong = watch.attention_output, [True]
    monkeypatch.setattr(watch, "attention_output", lambda *given: original(*given) * (1.01 if wrong else 1))

    def visit(seen: Seen) -> torch.Tensor:
        if wrong and seen.number == 1:
            raise ValueError("the visit's own")
        return seen.output

    with passes(Model(model("Llama"), "Llama")) as one:
        with pytest.raises(ValueError, match="the visit's own"):
            one.read(IDS, visit, checked=True)
        wrong.clear()
        one.read(IDS, visit, checked=True)
        assert [run.layer for run in one.runs] == [None, None]
        assert all(0 < run.error < 1e-5 for run in one.runs)
        wrong.append(True)
        with pytest.raises(AttnvizError, match="layer 0: attention recomputed"):
            one.read(IDS, lambda seen: seen.output, checked=True)
