"""Which models can write."""

from __future__ import annotations

import pytest
import transformers
from tiny_models import CONFIGS, model

from attnviz import AttnvizError
from attnviz.sources.huggingface.loading.writers import head_kind, require_head, require_writer, writing_kind


def config(name):
    return getattr(transformers, f"{name}Config")(**CONFIGS[name])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Llama", "AutoModelForCausalLM"),
        ("GPT2", "AutoModelForCausalLM"),
        ("T5", "AutoModelForSeq2SeqLM"),
        ("Bart", "AutoModelForSeq2SeqLM"),
    ],
)
def test_a_model_that_predicts_the_next_token_has_its_class(name, kind):
    assert writing_kind(config(name)) is getattr(transformers, kind)
    if name != "T5":
        require_writer(model(name))


@pytest.mark.parametrize(
    ("name", "why"), [("Bert", "reads the words on both sides of a gap"), ("ViT", "has no language head")]
)
def test_any_other_cannot_write(name, why):
    with pytest.raises(AttnvizError, match=f"{name}.* {why}"):
        writing_kind(config(name))
    with pytest.raises(AttnvizError, match=why):
        require_writer(model(name))


def test_a_loaded_model_without_its_head_cannot_write():
    with pytest.raises(AttnvizError, match="LlamaModel has no language head, so it cannot write"):
        require_writer(transformers.LlamaModel(config("Llama")))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Llama", "AutoModelForCausalLM"),
        ("T5", "AutoModelForSeq2SeqLM"),
        ("Bart", "AutoModelForSeq2SeqLM"),  # which has one that fills gaps as well
        ("Bert", "AutoModelForMaskedLM"),
        ("ModernBert", "AutoModelForMaskedLM"),  # whose settings do not say that it is no decoder
        ("Albert", "AutoModelForMaskedLM"),
    ],
)
def test_a_model_that_predicts_has_the_class_with_its_head(name, kind):
    assert head_kind(config(name)) is getattr(transformers, kind)
    require_head(model(name))


def test_what_predicts_no_tokens_is_refused(monkeypatch):
    with pytest.raises(AttnvizError, match="a model of ViTConfig has no language head: it predicts no tokens"):
        head_kind(config("ViT"))
    bare = transformers.LlamaModel(config("Llama"))
    with pytest.raises(AttnvizError, match="LlamaModel has no language head: it predicts no tokens"):
        require_head(bare)

    def elsewhere():
        raise NotImplementedError

    monkeypatch.setattr(bare, "get_output_embeddings", elsewhere)
    with pytest.raises(AttnvizError, match="LlamaModel has no language head"):
        require_head(bare)


def test_a_bert_that_was_made_a_decoder_writes_on():
    decoder = transformers.BertConfig(**CONFIGS["Bert"], is_decoder=True)
    assert head_kind(decoder) is transformers.AutoModelForCausalLM
