"""What a model is given to read: each way in, and one clear line for each way that fails."""

from __future__ import annotations

import copy
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
import pytest
import torch
import transformers
from PIL import Image
from tiny_models import CONFIGS, VOCABULARY, inputs, model, tokenizer

from attnviz import AttnvizError, trace_model

TEXT = "Your journey starts with one step"


def test_ids_in_every_form_give_what_their_text_gives(folders):
    expected = trace_model(folders / "Llama", TEXT)
    ids = expected.source["ids"]
    for given in (ids, torch.tensor(ids), numpy.array([ids]), {"input_ids": torch.tensor([ids])}):
        trace = trace_model(model("Llama"), given, tokenizer=tokenizer())
        assert trace.tokens == expected.tokens
        assert torch.equal(trace.layers[1].key, expected.layers[1].key)


def test_the_decoder_reads_the_text_or_the_target(folders):
    itself = trace_model(folders / "T5", "Your step", layer="cross")
    assert itself.layers[0].key_tokens == ("Your", "step")
    assert itself.tokens == ("<|endoftext|>", "Your")
    other = trace_model(folders / "T5", "Your step", target="Your cat sat", layer="cross 0")
    assert (other.tokens, other.key_tokens(other.layers[0])) == (("<|endoftext|>", "Your", "cat"), ("Your", "step"))


def test_the_chat_template_surrounds_the_text(folders):
    trace = trace_model(folders / "Llama", "Your step", chat=True)
    assert trace.tokens == ("<|user|>", "Your", "step", "\n", "<|assistant|>")
    assert trace.source["special"] == [0, 4]


def test_patches_of_an_image_are_tokens(folders, tmp_path):
    Image.new("RGB", (50, 40), "teal").save(tmp_path / "image.png")
    trace = trace_model(folders / "ViT", tmp_path / "image.png")
    assert trace.tokens[:6] == ("[CLS]", "r0c0", "r0c1", "r0c2", "r0c3", "r1c0")
    assert len(trace.tokens) == 17
    assert trace_model(model("ViT"), inputs("ViT")).tokens == trace.tokens


def test_an_image_goes_with_a_text_or_with_inputs_by_name():
    picture = Image.new("RGB", (32, 32), "teal")
    with pytest.raises(AttnvizError, match=r"^an image goes with a text or with inputs by name, not with ids$"):
        trace_model(model("Llama"), [5, 6], image=picture)


def test_an_image_comes_through_a_pipe_once(folders, tmp_path):
    image, pipe = tmp_path / "image.png", tmp_path / "pipe.png"
    Image.new("RGB", (50, 40), "teal").save(image)
    os.mkfifo(pipe)
    threading.Thread(target=lambda: pipe.write_bytes(image.read_bytes()), daemon=True).start()
    read = []
    reader = threading.Thread(target=lambda: read.append(trace_model(folders / "ViT", pipe)), daemon=True)
    reader.start()
    reader.join(30)
    assert read, "the pipe is opened again, and nobody writes to it"
    expected = trace_model(folders / "ViT", image)
    assert torch.equal(read[0].layers[0].query, expected.layers[0].query)


def test_a_small_file_of_a_huge_image_is_refused_before_it_is_unpacked(folders, tmp_path, monkeypatch):
    path = tmp_path / "bomb.png"
    Image.new("1", (14_000, 14_000)).save(path)
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("it is unpacked"))
    with pytest.raises(AttnvizError, match="could be decompression bomb"):
        trace_model(folders / "ViT", path)
    monkeypatch.setattr("attnviz.attention.memory.allowance", lambda: 1 << 20)
    Image.new("1", (500, 500)).save(path)
    with pytest.raises(AttnvizError, match=r"bomb\.png needs 3\.8 MiB of memory"):
        trace_model(folders / "ViT", path)


def test_a_file_that_is_no_image_is_one_clear_line(folders, tmp_path):
    (tmp_path / "image.png").write_bytes(b"no image")
    with pytest.raises(AttnvizError, match="is not a readable image"):
        trace_model(folders / "ViT", tmp_path / "image.png")
    with pytest.raises(AttnvizError, match="does not exist"):
        trace_model(folders / "ViT", tmp_path / "nothing.png")
    with pytest.raises(AttnvizError, match=r"^/dev/zero is a device, which may never end$"):
        trace_model(folders / "ViT", Path("/dev/zero"))


def test_an_image_comes_through_a_pipe(folders, tmp_path):
    Image.new("RGB", (32, 32), "teal").save(tmp_path / "image.png")
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as threads:
        threads.submit((tmp_path / "pipe").write_bytes, (tmp_path / "image.png").read_bytes())
        piped = trace_model(folders / "ViT", tmp_path / "pipe")
    read = trace_model(folders / "ViT", tmp_path / "image.png")
    assert torch.equal(piped.layers[0].query, read.layers[0].query)


def test_a_large_image_is_read_without_a_warning_of_the_library(folders, tmp_path, monkeypatch):
    Image.new("RGB", (32, 32), "teal").save(tmp_path / "image.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 600)  # it warns of more, and refuses twice as many
    assert trace_model(folders / "ViT", tmp_path / "image.png").layers
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(AttnvizError, match=r"is not a readable image: .* could be decompression bomb"):
        trace_model(folders / "ViT", tmp_path / "image.png")


def test_the_positions_of_roberta_begin_behind_its_padding():
    from transformers import RobertaConfig, RobertaModel

    config = RobertaConfig(
        vocab_size=99, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2
    )
    config.max_position_embeddings = 10
    network = RobertaModel(config).eval()
    assert len(trace_model(network, [5] * 8).tokens) == 8
    with pytest.raises(AttnvizError, match="the text has 9 tokens, more than the 8 positions"):
        trace_model(network, [5] * 9)


def test_without_a_chat_template_there_is_no_chat(llama):
    (llama / "chat_template.jinja").unlink()
    with pytest.raises(AttnvizError, match="has no chat template"):
        trace_model(llama, TEXT, chat=True)


def test_a_tokenizer_of_another_model(llama):
    other = transformers.LlamaConfig(**(CONFIGS["Llama"] | {"vocab_size": 100}))
    transformers.LlamaModel(other).save_pretrained(llama)
    with pytest.raises(AttnvizError, match=r"the text has the token \d+, but the model knows 0 to 99") as error:
        trace_model(llama, TEXT)
    assert error.value.hint == "its tokenizer belongs to another model"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.ones(2, 5, dtype=torch.long), r"the ids have the shape \(2, 5\)"),
        ([1.5, 2.0], "the ids are of float32: expected whole numbers"),
        ([], "there are no texts"),
        (torch.ones(0, dtype=torch.long), "the tokenizer makes no tokens of this text"),
        ({}, "the inputs are empty"),
        ([1, 9999], "the text has the token 9999, but the model knows 0 to 329"),
    ],
)
def test_ids_that_are_none(given, message):
    with pytest.raises(AttnvizError, match=message):
        trace_model(model("Llama"), given)


def test_ids_that_the_model_alone_knows_are_their_own_labels_and_others_are_told():
    words = len(tokenizer())
    trace = trace_model(model("Llama"), [words - 1, words, VOCABULARY - 1], tokenizer=tokenizer())
    assert trace.tokens[1:] == (str(words), str(VOCABULARY - 1))
    for number in (-1, VOCABULARY, 2**40):
        with pytest.raises(AttnvizError, match=f"the text has the token {number}, but the model knows 0 to"):
            trace_model(model("Llama"), [5, number], tokenizer=tokenizer())


def test_a_text_is_no_image_and_no_sound(folders):
    with pytest.raises(AttnvizError, match="ViTModel looks at an image, not at a text"):
        trace_model(folders / "ViT", TEXT)
    sound = transformers.WhisperModel(transformers.WhisperConfig(d_model=48, encoder_layers=1, decoder_layers=1))
    with pytest.raises(AttnvizError, match="WhisperModel reads input_features, not a text"):
        trace_model(sound, TEXT)


def test_a_model_without_a_decoder_reads_no_target():
    with pytest.raises(AttnvizError, match="LlamaForCausalLM has no decoder to read a target"):
        trace_model(model("Llama"), [5, 6], target=[7])


@pytest.mark.parametrize("given", [[[1, 2], [3]], [None], [b"5"]])
def test_values_that_are_no_ids_are_told(given):
    with pytest.raises(AttnvizError, match=r"the ids are .*: expected whole numbers"):
        trace_model(model("Llama"), given)


def test_a_template_that_refuses_a_text_is_one_clear_line():
    own = copy.deepcopy(tokenizer())
    own.chat_template = "{{ raise_exception('no user here') }}"
    with pytest.raises(AttnvizError, match=r"the chat template of .* refuses this text: no user here"):
        trace_model(model("Llama"), TEXT, tokenizer=own, chat=True)


def test_several_texts_by_name_are_refused():
    ids = torch.tensor([[5, 6], [7, 8]])
    with pytest.raises(AttnvizError, match="input_ids holds 2 texts"):
        trace_model(model("Llama"), {"input_ids": ids})


def test_a_decoder_reads_its_start_alone_where_no_text_is_given():
    states = torch.randn(1, 3, 32)
    trace = trace_model(model("T5"), {"inputs_embeds": states}, layer="decoder 0")
    assert (trace.tokens, list(trace.source.target.special)) == (("0",), [0])


def test_a_model_that_keeps_its_table_elsewhere_is_not_asked_for_it():
    network = copy.deepcopy(model("Llama"))

    def elsewhere():
        raise NotImplementedError

    network.get_input_embeddings = elsewhere
    with pytest.raises(AttnvizError, match="cannot read this"):  # by its own words, not by the number of its vectors
        trace_model(network, [10**6])
