"""What a model is given of a picture, alone, beside a text, or among inputs by name."""

from __future__ import annotations

import pytest
import seeing_models
import torch
import transformers
from PIL import Image

from attnviz import trace_model
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.seeing import (
    is_picture,
    of_picture,
    of_picture_and_text,
    of_picture_in_inputs,
    opened,
)

PICTURE = Image.effect_noise((90, 60), 90).convert("RGB")


@pytest.fixture(scope="module")
def llava(tmp_path_factory):
    return Model.load(seeing_models.llava(str(tmp_path_factory.mktemp("llava"))))


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    return Model.load(seeing_models.vit(str(tmp_path_factory.mktemp("vit"))))


def test_a_picture_of_pillow_and_a_file_are_the_same(tmp_path, vit):
    PICTURE.save(tmp_path / "a.png")
    assert is_picture(PICTURE)
    assert not is_picture(tmp_path / "a.png")
    assert opened(tmp_path / "a.png").tobytes() == opened(PICTURE).tobytes()
    (inputs, pictured), (other, _) = of_picture(vit, tmp_path / "a.png"), of_picture(vit, PICTURE)
    assert torch.equal(inputs["pixel_values"], other["pixel_values"])
    assert pictured.size == (90, 60)
    assert set(pictured.prepare(PICTURE)) == {"pixel_values"}


def test_the_picture_stands_before_the_text_or_where_its_token_is(llava):
    inputs, tokens, pictured = of_picture_and_text(llava, "the cat", PICTURE, chat=False)
    assert tokens.labels[-2:] == ("the", "cat")
    assert list(tokens.ids) == inputs["input_ids"][0].tolist()
    assert pictured.size == (90, 60)
    _, between, _ = of_picture_and_text(llava, "the<image> cat", PICTURE, chat=False)
    assert between.labels[0] == "the"
    assert len(between.labels) == len(tokens.labels)


def test_a_chat_has_the_picture_in_the_user_s_turn(llava):
    _, tokens, _ = of_picture_and_text(llava, "the cat", PICTURE, chat=True)
    assert tokens.labels[-2:] == ("the", "cat")


def test_what_is_wrong_is_told(llava, vit):
    with pytest.raises(AttnvizError, match="the picture cannot be prepared: "):
        of_picture(Model.of(vit.model, Broken()), PICTURE)
    with pytest.raises(AttnvizError, match="has no token for a picture in its text"):
        of_picture_and_text(Model.of(llava.model, Blind()), "the cat", PICTURE, chat=False)
    with pytest.raises(AttnvizError, match="is not the one that pixel_values were made of"):
        of_picture_in_inputs(vit, {"input_ids": torch.zeros(1, 2)}, PICTURE)
    with pytest.raises(AttnvizError, match="an image goes with a text or with inputs by name"):
        trace_model(llava, [5, 6], image=PICTURE)


def test_the_inputs_of_a_processor_go_with_their_picture(llava):
    inputs = dict(llava.processor(images=PICTURE, text="<image>the cat", return_tensors="pt"))
    pictured = of_picture_in_inputs(llava, inputs, PICTURE)
    made = pictured.prepare(Image.new("RGB", (90, 60)))
    assert set(made) == set(inputs)
    assert not torch.equal(made["pixel_values"], inputs["pixel_values"])


class Broken:
    """An image processor that takes no picture."""

    image_mean = (0.5, 0.5, 0.5)

    def __call__(self, **_):
        raise ValueError("no such size")


class Blind:
    """A processor whose text has no place for a picture."""

    tokenizer = image_processor = None


def test_a_processor_that_needs_what_is_missing_is_told(tmp_path, monkeypatch):
    folder = seeing_models.llava(str(tmp_path / "llava"))

    def missing(*_, **__):
        raise ImportError("the processor requires the Torchvision library")

    monkeypatch.setattr(transformers.AutoProcessor, "from_pretrained", missing)
    with pytest.raises(AttnvizError, match=r"the processor of .* needs torchvision, which is not installed"):
        trace_model(folder, "the cat", image=PICTURE)
