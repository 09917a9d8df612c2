"""A loaded model and its tokenizer."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tiny_models import model, tokenizer

from attnviz import AttnvizError
from attnviz.sources.huggingface.model import Model


def test_a_folder_brings_its_tokenizer_when_it_is_needed(folders):
    loaded = Model.load(str(folders / "Llama"))
    assert (loaded.name, loaded.has_tokenizer, loaded.reads_images) == (str(folders / "Llama"), False, False)
    assert loaded.tokenizer("step")["input_ids"] == tokenizer()("step")["input_ids"]
    assert loaded.has_tokenizer
    assert loaded.tokenizer is loaded.tokenizer


def test_a_model_that_is_loaded_already_has_the_tokenizer_that_it_is_given():
    own = tokenizer()
    assert Model(model("Llama"), "mine", own).tokenizer is own
    assert not Model(model("Llama"), "mine").has_tokenizer


def test_a_model_without_a_folder_has_no_tokenizer(tmp_path):
    with pytest.raises(AttnvizError, match="has no tokenizer"):
        _ = Model(model("Llama"), str(tmp_path)).tokenizer


@pytest.mark.parametrize("nothing", [3, None, ["a"]])
def test_what_is_no_model_is_refused(nothing):
    with pytest.raises(AttnvizError, match=f"model is of type {type(nothing).__name__}: expected a folder"):
        Model.of(nothing)


def test_a_model_of_images_says_so():
    assert Model(model("ViT"), "sees").reads_images


def test_a_model_that_writes_has_its_language_head(folders):
    plain, writes = (Model.of(folders / "Llama", writes=writes).model for writes in (False, True))
    assert (type(plain).__name__, type(writes).__name__) == ("LlamaModel", "LlamaForCausalLM")
    assert Model.of(Model(writes, "mine")).name == "mine"
    assert Model.of(writes).name == str(folders / "Llama")


def test_a_processor_that_is_given_brings_its_tokenizer_and_what_prepares_pictures():
    processor = SimpleNamespace(tokenizer=tokenizer(), image_processor=object())
    made = Model(model("Llama"), "mine", processor)
    assert made.processor is processor
    assert (made.tokenizer, made.image_processor) == (processor.tokenizer, processor.image_processor)


def test_what_prepares_pictures_is_no_tokenizer(folders):
    given = SimpleNamespace(image_mean=[0.5])
    made = Model(model("ViT"), "mine", given)
    assert (made.image_processor, made.has_tokenizer) == (given, False)
    loaded = Model.load(str(folders / "ViT"))
    assert hasattr(loaded.image_processor, "image_mean")
    assert loaded.image_processor is loaded.image_processor


def test_a_folder_of_text_alone_has_no_processor(folders):
    with pytest.raises(AttnvizError, match="reads no image beside a text"):
        _ = Model.load(str(folders / "Llama")).processor
