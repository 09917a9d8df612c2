"""Every byte that a model reads counts, and where it lies does not."""

from __future__ import annotations

import shutil

import pytest

from attnviz.corpora.fingerprint import called, fingerprint
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.loading import place


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes(3 << 20))
    return folder


def test_a_copy_has_the_same(model, tmp_path):
    shutil.copytree(model, tmp_path / "copy")
    assert fingerprint(str(model), {}) == fingerprint(str(tmp_path / "copy"), {})


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_single_byte_changes_it_though_size_and_name_stay(model, name):
    before = fingerprint(str(model), {})
    content = bytearray((model / name).read_bytes())
    content[len(content) // 2] ^= 1
    (model / name).write_bytes(content)
    assert fingerprint(str(model), {}) != before


def test_a_file_more_changes_it_but_for_what_is_never_read(model):
    before = fingerprint(str(model), {})
    for name in (".cache", "pytorch_model.bin"):
        (model / name).write_text("x")
    assert fingerprint(str(model), {}) == before
    (model / "tokenizer.json").write_text("{}")
    assert fingerprint(str(model), {}) != before


def test_an_adapter_and_a_persons_own_vectors_count_as_well(model, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_model.safetensors").write_bytes(b"1")
    one = fingerprint(str(model), {"adapter": str(adapter)})
    (adapter / "adapter_model.safetensors").write_bytes(b"2")
    assert len({one, fingerprint(str(model), {"adapter": str(adapter)}), fingerprint(str(model), {})}) == 3
    vectors = tmp_path / "vectors.json"
    vectors.write_text("{}")
    assert fingerprint(None, {"embeddings": vectors}) != fingerprint(None, {})


def test_the_model_in_the_package_is_its_file_of_weights():
    assert fingerprint("tiny", {}) not in (fingerprint(None, {}), fingerprint("tiny", {"adapter": __file__}))


def test_an_id_of_the_hub_is_named_by_the_commit(monkeypatch, tmp_path):
    commits = iter(("abc", "def"))
    monkeypatch.setattr(place, "model_folder", lambda _: tmp_path / next(commits))
    assert fingerprint("owner/name", {}) != fingerprint("owner/name", {})


def test_a_file_that_may_not_be_read_is_told(tmp_path):
    with pytest.raises(AttnvizError, match="lost"):
        fingerprint(str(tmp_path / "lost"), {})


def test_a_model_is_called_the_same_wherever_it_lies_and_however_its_path_is_written(model, monkeypatch):
    monkeypatch.chdir(model.parent)
    written = [str(model), "model", "./model", "model/"]
    assert [called(path, {"adapter": model}) for path in written] == [{"model": "model", "adapter": "model"}] * 4
    monkeypatch.chdir(model)
    assert called(".", {}) == {"model": "model"}


def test_what_is_no_path_keeps_its_name():
    assert called("owner/model", {"adapter": None, "embeddings": {"a": [1.0]}}) == {"model": "owner/model"}
    assert called("tiny", {}) == {"model": "tiny"}
    assert called(None, {}) == {}
