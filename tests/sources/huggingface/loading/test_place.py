"""Which folder a name means: one of that name, or the one in which the hub's library keeps a model."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
from pathlib import Path

import pytest
import torch
from hostile_models import INDEX, indexed, linked, rewrite
from huggingface_hub import constants
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from tiny_models import model

from attnviz import AttnvizError, trace_model
from attnviz.errors import UsageError
from attnviz.sources.huggingface.loading import hub, place
from attnviz.sources.huggingface.loading.place import fetch_weights, model_folder

TEXT = "Your journey starts with one step"
REVISION = "1234567890123456789012345678901234567890"


@pytest.fixture
def cached(llama, tmp_path, monkeypatch) -> Path:
    """The snapshot of owner/model in the cache of the hub's library, as it fetches one; nobody can be asked."""
    repository = tmp_path / "hub" / "models--owner--model"
    snapshot = repository / "snapshots" / REVISION
    for folder in (snapshot, repository / "blobs", repository / "refs"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text(REVISION)
    for path in sorted(llama.iterdir()):
        keep(snapshot, path)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection is made"))
    place._snapshot.cache_clear()
    return snapshot


def keep(snapshot: Path, path: Path) -> None:
    """Put a file where the hub's library does: as a link to a blob."""
    blob = snapshot.parents[1] / "blobs" / path.name.encode().hex()
    shutil.copy(path, blob)
    (snapshot / path.name).unlink(missing_ok=True)
    (snapshot / path.name).symlink_to(Path("..", "..", "blobs", blob.name))


def test_a_model_of_the_hub_is_read_from_the_cache(cached, folders):
    trace = trace_model("owner/model", TEXT)
    assert torch.equal(trace.layers[1].query, trace_model(folders / "Llama", TEXT).layers[1].query)
    assert (trace.tokens, trace.source["model"]) == (tuple(TEXT.split()), "model")
    assert model_folder("owner/model") == cached


def test_shards_of_a_model_of_the_hub_are_read(cached, tmp_path, folders):
    model("Llama").model.save_pretrained(tmp_path / "shards", max_shard_size="20kB")
    (cached / "model.safetensors").unlink()
    for path in (tmp_path / "shards").glob("model*"):
        keep(cached, path)
    assert torch.equal(
        trace_model("owner/model", TEXT).layers[0].key, trace_model(folders / "Llama", TEXT).layers[0].key
    )


@pytest.mark.parametrize("name", ["pytorch_model-1.bin", "../../../outside/model.safetensors", "absolute"])
def test_a_hostile_index_of_the_hub_is_refused_by_the_same_rule(cached, tmp_path, name):
    (tmp_path / "outside").mkdir()
    indexed(name)(cached, tmp_path / "outside")
    with pytest.raises(AttnvizError, match=r"expected a \.safetensors file in the same folder"):
        trace_model("owner/model", TEXT)


def test_hostile_settings_and_links_of_the_hub_are_refused_by_the_same_rule(cached, tmp_path):
    (tmp_path / "outside").mkdir()
    linked("tokenizer.json")(cached, tmp_path / "outside")
    with pytest.raises(AttnvizError, match=r"tokenizer\.json is a link to"):
        trace_model("owner/model", TEXT)
    (cached / "tokenizer.json").unlink()
    rewrite(cached / "config.json", attn_implementation="evil/kernel")
    with pytest.raises(AttnvizError, match="expected eager, sdpa"):
        trace_model("owner/model", TEXT)


@pytest.fixture
def online(cached, monkeypatch):
    """Beside a cache the hub answers; what is asked of its library is listed, and done by the functions of a test."""
    asked = []
    assert cached.is_dir()
    monkeypatch.setattr(hub, "_reachable", lambda: True)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    place._snapshot.cache_clear()
    return asked


def test_first_what_is_small_is_fetched_then_the_weights_that_its_index_names(cached, tmp_path, online, monkeypatch):
    """Nothing of the weights before the index has been looked at, and no pickle ever."""
    model("Llama").model.save_pretrained(tmp_path / "shards", max_shard_size="20kB")
    (cached / "model.safetensors").unlink()
    keep(cached, tmp_path / "shards" / INDEX)

    def snapshot_download(name, **options):
        online.append((name, options))
        if "revision" in options:
            for path in (tmp_path / "shards").glob("*.safetensors"):
                keep(cached, path)
        return str(cached)

    monkeypatch.setattr(place, "snapshot_download", snapshot_download)
    trace_model("owner/model", TEXT)
    (_, small), (_, weights) = online
    assert not any(pattern.endswith((".bin", ".pt", ".safetensors")) for pattern in small["allow_patterns"])
    named = sorted(set(json.loads((cached / INDEX).read_text())["weight_map"].values()))
    assert weights == {"revision": REVISION, "allow_patterns": named}
    trace_model("owner/model", TEXT)
    assert len(online) == 2  # asked once in a process, and nothing is fetched twice


def test_a_hostile_index_is_refused_before_its_weights_are_fetched(cached, online, monkeypatch):
    indexed("../x.safetensors")(cached, cached)
    monkeypatch.setattr(place, "snapshot_download", lambda name, **_: online.append(name) or str(cached))
    with pytest.raises(AttnvizError, match=r"expected a \.safetensors file in the same folder"):
        trace_model("owner/model", TEXT)
    assert online == ["owner/model"]


def test_what_lies_in_folders_of_a_model_of_the_hub_is_not_fetched():
    from huggingface_hub.utils import filter_repo_objects

    files = [
        "config.json",
        "onnx/config.json",
        "archive/config.json",
        "a/b.json",
        "additional_chat_templates/rag.jinja",
    ]
    files += ["pytorch_model.bin", "model.safetensors", "modeling.py", "vocab.txt", "spiece.model"]
    kept = filter_repo_objects(files, allow_patterns=[*place.SMALL], ignore_patterns=[*place.NESTED])
    assert list(kept) == ["config.json", "additional_chat_templates/rag.jinja", "vocab.txt", "spiece.model"]


@pytest.mark.usefixtures("online")
def test_a_hub_that_falls_silent_leaves_what_was_fetched_before(cached, monkeypatch):
    def silent(*_, **__):
        raise LocalEntryNotFoundError("no answer")

    monkeypatch.setattr(place, "snapshot_download", silent)
    assert model_folder("owner/model") == cached


@pytest.mark.usefixtures("online")
def test_of_a_folder_nothing_is_fetched(llama, monkeypatch):
    monkeypatch.setattr(place, "snapshot_download", lambda *_, **__: pytest.fail("the hub is asked"))
    fetch_weights(str(llama), llama, ["other.safetensors"])
    assert model_folder(str(llama)) == llama


@pytest.mark.parametrize("name", ["a b", "owner/--", "owner/model.git", "x" * 100, "ä", "a\nb"])
@pytest.mark.usefixtures("cached")
def test_a_name_that_no_model_can_have_is_told(name):
    with pytest.raises(AttnvizError, match="is neither a folder here nor an id of the Hugging Face hub"):
        model_folder(name)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "/a\0b"])
def test_a_name_that_no_file_can_have_is_told(name):
    with pytest.raises(AttnvizError, match="cannot be the name of a folder"):
        trace_model(name, TEXT)


def test_a_very_long_name_is_told_in_short():
    for name in ("x" * 5000, "/" + "x" * 5000, "./x/" * 2000):
        with pytest.raises(AttnvizError, match="… does not exist: expected a folder") as told:
            trace_model(name, TEXT)
        assert len(told.value.message) < 300


def test_no_name_is_none():
    with pytest.raises(UsageError, match="the model's name is empty"):
        model_folder("")


def test_a_home_folder_is_the_shells_to_find():
    with pytest.raises(AttnvizError, match="~/model does not exist") as told:
        trace_model("~/model", TEXT)
    assert told.value.hint == "~ is the shell's: leave out the quotes"


def test_a_pipe_is_no_folder(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AttnvizError, match=r"pipe is a file: expected a \.gguf file, or a folder with config\.json"):
        trace_model(tmp_path / "pipe", TEXT)


def test_a_circle_of_links_is_one_line(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "a")
    with pytest.raises(AttnvizError, match="a: too many levels of symbolic links"):
        trace_model(tmp_path / "a", TEXT)


def test_a_folder_in_a_closed_folder_is_one_line(llama, monkeypatch):
    """As a plain user finds it; who runs the tests may be allowed everything."""
    stat = os.stat

    def refused(path, *arguments, **options):
        if str(path).startswith(str(llama)):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", refused)
    with pytest.raises(AttnvizError, match="inner: permission denied"):
        trace_model(llama / "inner", TEXT)


def test_the_library_still_refuses_names_by_this_error():
    from huggingface_hub import hf_hub_download

    with pytest.raises(HFValidationError):
        hf_hub_download("a b", "config.json", local_files_only=True)
