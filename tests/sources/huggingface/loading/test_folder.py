"""What may be read of a model's folder, and that everything else is told before a file is opened."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import socket
from pathlib import Path

import pytest
import torch
from hostile_models import HOSTILE, INDEX, linked, linked_into_a_false_cache, rewrite, touched
from tiny_models import model, tokenizer
from transformers.integrations import hub_kernels

from attnviz import AttnvizError, trace_model
from attnviz.sources.huggingface.loading import folder as folders_read
from attnviz.sources.huggingface.loading.folder import is_plain, read_settings, require_own_files
from attnviz.sources.huggingface.loading.loader import load_image_processor, load_tokenizer

TEXT = "Your journey starts with one step"


@pytest.fixture
def nothing_foreign(monkeypatch):
    """A pickle, a kernel of a hub and a connection are each the end of the test."""

    def happens(*_, **__):
        raise AssertionError("a pickle is read, a kernel is fetched or a connection is made")

    for owner, name in (
        (torch, "load"),
        (pickle, "load"),
        (pickle, "loads"),
        (pickle, "Unpickler"),
        (socket.socket, "connect"),
        (hub_kernels, "get_kernel"),
    ):
        monkeypatch.setattr(owner, name, happens)


@pytest.fixture
def outside(llama, tmp_path) -> Path:
    """A folder beside the model's, with weights and a pickle that nobody named."""
    other = tmp_path / "outside"
    other.mkdir()
    shutil.copy(llama / "model.safetensors", other / "model.safetensors")
    torch.save({}, llama / "pytorch_model-1.bin")
    torch.save({}, llama / "adapter_model.bin")
    return other


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.usefixtures("nothing_foreign")
def test_a_hostile_folder_is_one_line_and_transformers_is_not_asked(llama, outside, kind, monkeypatch):
    damage, message = HOSTILE[kind]
    damage(llama, outside)
    for auto in ("AutoConfig", "AutoModel", "AutoTokenizer"):
        monkeypatch.setattr(
            f"transformers.{auto}.from_pretrained", lambda *_, **__: pytest.fail("transformers is asked")
        )
    with pytest.raises(AttnvizError, match=message) as told:
        trace_model(llama, TEXT)
    assert told.value.message.isprintable()
    assert told.value.hint


@pytest.mark.parametrize("kind", ["a tokenizer that is a link", "a tokenizer that is a pipe", "a kernel in a part"])
def test_a_hostile_folder_is_told_whatever_is_read_of_it(llama, outside, kind):
    damage, message = HOSTILE[kind]
    damage(llama, outside)
    for load in (load_tokenizer, load_image_processor):
        with pytest.raises(AttnvizError, match=message):
            load(str(llama))


@pytest.mark.usefixtures("nothing_foreign")
def test_a_good_folder_loads_the_same(folders, llama):
    expected = trace_model(folders / "Llama", TEXT).layers[1]
    assert torch.equal(trace_model(llama, TEXT).layers[1].query, expected.query)
    model("Llama").model.save_pretrained(llama, max_shard_size="20kB")
    (llama / "model.safetensors").unlink()
    (llama / "runs").symlink_to(folders)  # of the folders inside, nothing is read
    (llama / "nothing.json").symlink_to(llama / "gone")
    assert json.loads((llama / INDEX).read_text())["weight_map"]
    assert torch.equal(trace_model(llama, TEXT).layers[1].query, expected.query)


def test_a_link_inside_the_folder_and_a_link_to_the_folder_are_good(llama, tmp_path):
    (llama / "model.safetensors").rename(llama / "weights.safetensors")
    (llama / "model.safetensors").symlink_to("weights.safetensors")
    (tmp_path / "link").symlink_to(llama)
    assert trace_model(tmp_path / "link", TEXT).tokens == tuple(TEXT.split())


def test_weights_by_another_name_of_the_settings(llama):
    (llama / "model.safetensors").rename(llama / "mine.safetensors")
    rewrite(llama / "config.json", transformers_weights="mine.safetensors")
    assert trace_model(llama, TEXT).tokens == tuple(TEXT.split())
    rewrite(llama / "config.json", transformers_weights="other.safetensors")
    with pytest.raises(AttnvizError, match=r"lacks a part of its weights: other\.safetensors"):
        trace_model(llama, TEXT)


def test_an_index_by_another_name_of_the_settings_is_read_as_carefully(llama):
    rewrite(llama / "config.json", transformers_weights="mine.safetensors.index.json")
    index = {"metadata": {}, "weight_map": {"a": "../model.safetensors"}}
    (llama / "mine.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(AttnvizError, match=r"mine\.safetensors\.index\.json of .* names '\.\./model"):
        trace_model(llama, TEXT)


def test_links_of_the_hubs_own_cache_are_good_and_no_others(llama, outside, tmp_path):
    repository = tmp_path / "models--owner--model"
    snapshot = repository / "snapshots" / "1234"
    (repository / "blobs").mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for number, path in enumerate(sorted(path for path in llama.iterdir() if path.suffix != ".bin")):
        shutil.move(path, repository / "blobs" / f"{number}")
        (snapshot / path.name).symlink_to(Path("..", "..", "blobs", f"{number}"))
    assert trace_model(snapshot, TEXT).tokens == tuple(TEXT.split())
    linked("config.json")(snapshot, outside)
    with pytest.raises(AttnvizError, match=r"config\.json is a link to"):
        trace_model(snapshot, TEXT)


def test_a_false_cache_is_none(llama, outside, tmp_path):
    snapshot = tmp_path / "models--owner--model" / "snapshots" / "1234"
    shutil.copytree(llama, snapshot)
    linked_into_a_false_cache(snapshot, outside)
    with pytest.raises(AttnvizError, match=r"vocab\.txt is a link to"):
        trace_model(snapshot, TEXT)


def test_a_secret_that_a_tokenizer_links_to_is_not_shown(llama, outside):
    (outside / "secret").write_text("secret\n")
    (llama / "vocab.txt").symlink_to(outside / "secret")
    with pytest.raises(AttnvizError, match=r"vocab\.txt is a link to .*/outside/secret"):
        trace_model(llama, TEXT)


def test_a_folder_that_may_not_be_listed_is_one_line(llama, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(AttnvizError, match="llama: permission denied"):
        require_own_files(str(llama), llama)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_file_that_may_not_be_read_is_one_line(llama, file, monkeypatch):
    """As a plain user finds it; who runs the tests may be allowed everything."""
    opened = io.open

    def refused(path, *arguments, **options):
        if str(path) == str(llama / file):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr("builtins.open", refused)
    monkeypatch.setattr(io, "open", refused)
    with pytest.raises(AttnvizError, match=rf"llama/{file}: permission denied$"):
        trace_model(llama, TEXT)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a": ' * 100_000, "\ufeff{}", "{} {}", "NaN", '"a"', ""])
def test_settings_that_are_none_are_one_line(llama, content):
    (llama / "config.json").write_text(content)
    with pytest.raises(AttnvizError, match=r"config\.json of .* (cannot be read|does not describe a model)"):
        read_settings("mine", llama / "config.json")


def test_settings_larger_than_any_are_not_read(llama, monkeypatch):
    monkeypatch.setattr(folders_read, "LARGEST_SETTINGS", 100)
    with pytest.raises(AttnvizError, match=r"it has [\d,]+ bytes, more than the 100 of any model"):
        read_settings("mine", llama / "config.json")


def test_weights_that_are_only_a_decoy_are_none(llama):
    (llama / "model.safetensors").rename(llama / "decoy.safetensors")
    with pytest.raises(AttnvizError, match=r"holds no weights: expected model\.safetensors"):
        trace_model(llama, TEXT)
    torch.save({}, llama / "pytorch_model.bin")
    with pytest.raises(AttnvizError, match=r"only in pytorch_model\.bin"):
        trace_model(llama, TEXT)


def test_more_templates_are_read_from_their_folder(llama):
    more = tokenizer().__class__.from_pretrained(llama)
    more.chat_template = {"default": "{{ 1 }}", "tool": "{{ 2 }}"}
    more.save_pretrained(llama)
    assert load_tokenizer(str(llama)).chat_template == {"default": "{{ 1 }}", "tool": "{{ 2 }}"}
    os.mkfifo(llama / "additional_chat_templates" / "pipe.jinja")
    with pytest.raises(AttnvizError, match=r"pipe\.jinja is a pipe"):
        load_tokenizer(str(llama))


@pytest.mark.parametrize("name", ["", "a", "a.bin", ".hidden.json", "/a.json", "..\\a.json", "a\n.json", 1, None])
def test_names_that_are_not_plain(name):
    assert not is_plain(name, ".json")
    assert is_plain("ä b.json", ".json")


def test_an_unfinished_hidden_file_says_nothing(llama, outside):
    (llama / ".cache").symlink_to(touched("a", outside))
    require_own_files(str(llama), llama)
