"""Which models predict, how they are loaded for it, and what is said of those that do not."""

from __future__ import annotations

import copy

import numpy
import pytest
import torch
import transformers
from headless_models import gap_tokenizer, predicting
from safetensors.torch import load_file, save_file
from tiny_models import inputs, model, saved, tokenizer

from attnviz.analysis.effects import measure_effects
from attnviz.choices import Ablation
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface import predicted
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.predictor import ModelPredictor, load_predictor

CLASSES = {"Llama": "LlamaForCausalLM", "Bert": "BertForMaskedLM", "Albert": "AlbertForMaskedLM"}
CLASSES |= {"T5": "T5ForConditionalGeneration"}


@pytest.mark.parametrize("name", CLASSES)
def test_a_folder_is_loaded_with_its_language_head(name, tmp_path):
    folder = saved(name, tmp_path, with_tokenizer=False)
    (gap_tokenizer() if name in ("Bert", "Albert") else tokenizer()).save_pretrained(folder)
    found = load_predictor(folder, dtype="float32")
    assert type(found.model.model) is getattr(transformers, CLASSES[name])
    text = found.read("the king met we")
    assert text.whole().shape[-1] == model(name).config.vocab_size
    assert (text.source.model, text.source.architecture, found.told()) == (tmp_path.name, CLASSES[name], [])


def test_weights_without_the_head_are_told(tmp_path):
    folder = saved("Bert", tmp_path, with_tokenizer=False)
    kept = {name: value for name, value in load_file(folder / "model.safetensors").items() if "cls" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(AttnvizError, match="was saved without a language head, the part of a model that") as raised:
        load_predictor(folder)
    assert "\n" not in raised.value.message
    assert "take a model that has it" in raised.value.hint


def test_models_without_a_head_are_refused(tmp_path):
    folder = saved("ViT", tmp_path, with_tokenizer=False)
    with pytest.raises(AttnvizError, match="a model of ViTConfig has no language head: it predicts no tokens"):
        load_predictor(folder)
    for name in ("Llama", "Bert", "T5"):
        bare = model(name).base_model if name != "T5" else transformers.T5Model(model(name).config)
        with pytest.raises(AttnvizError, match=f"{name}Model has no language head: it predicts no tokens"):
            load_predictor(bare, tokenizer())
    with pytest.raises(AttnvizError, match="ViTForImageClassification looks at an image, not at a text"):
        load_predictor(model("ViT"))
    with pytest.raises(AttnvizError, match="XLNetModel has no language head"):
        load_predictor(model("XLNet"))


def test_a_model_without_attention_is_refused_in_one_line():
    config = transformers.MambaConfig(vocab_size=330, hidden_size=32, num_hidden_layers=2, state_size=4)
    with pytest.raises(AttnvizError, match="MambaForCausalLM computes attention in its own way") as raised:
        load_predictor(transformers.MambaForCausalLM(config).eval(), tokenizer()).read("the cat")
    assert "\n" not in raised.value.message


def test_a_layer_that_cannot_be_watched_is_left_out_and_told():
    class OwnAttention(torch.nn.Module):
        def forward(self, hidden_states, **_):
            return hidden_states, None

    network = copy.deepcopy(model("Llama"))
    network.model.layers[1].self_attn = OwnAttention()
    asked = ModelPredictor(Model(network, "x", tokenizer()))
    assert asked.told() == []
    text = asked.read("the cat sat")
    assert [layer.title for layer in text.layers] == ["layer 0"]
    (said,) = asked.told()
    assert said == "not shown, because they compute attention in their own way: model.layers.N.self_attn"
    assert len(measure_effects(text).layers) == 1


def test_a_batch_is_refused_and_a_text_that_takes_too_much_memory(monkeypatch):
    asked = ModelPredictor(predicting("Llama"))
    with pytest.raises(AttnvizError, match="input_ids holds 2 texts"):
        asked.read({"input_ids": torch.ones(2, 3, dtype=torch.long)})
    with pytest.raises(AttnvizError, match="position_ids is no part of one text: effects are measured of texts"):
        asked.read({"input_ids": torch.ones(1, 3, dtype=torch.long), "position_ids": torch.zeros(2, 3)})
    monkeypatch.setattr(predicted, "COPIES", 1 << 40)
    with pytest.raises(AttnvizError, match=r"predicting 512 tokens needs .* of memory"):
        asked.read("the cat")


def test_how_many_texts_are_in_a_pass_changes_nothing_but_rounding():
    found = [
        measure_effects(ModelPredictor(predicting("Llama"), together).read(inputs("Llama"))).layers
        for together in (1, 40, 1000)
    ]
    for layers in found[1:]:
        for ours, theirs in zip(layers, found[0], strict=True):
            numpy.testing.assert_allclose(ours.values, theirs.values, rtol=0, atol=1e-12)


def test_the_model_is_as_it_was_and_dropout_is_off():
    network = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(**{**model("Llama").config.to_dict(), "attention_dropout": 0.9})
    ).train()
    text = ModelPredictor(Model(network, "x", tokenizer())).read("the cat sat")
    (first,), (again,) = (list(text.without([[(0, 1)]], Ablation.MEAN)) for _ in range(2))
    assert torch.equal(first, again)
    assert network.training
    assert network.config._attn_implementation == "sdpa"


def test_tokens_are_labelled_and_answers_found():
    asked = ModelPredictor(predicting("Llama"))
    answer = asked.answer("the")
    assert answer.label == " the"
    assert asked.read("the cat").label(answer.number) == " the"
