"""Which models can write."""

from __future__ import annotations

import pytest
import transformers
from tiny_models import CONFIGS, model

from attnviz import AttnvizError
from attnviz.sources.huggingface.loading.writers import require_writer, writing_kind


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
