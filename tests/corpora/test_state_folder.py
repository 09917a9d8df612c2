"""A folder keeps finished shards of one job: whole, and of no other."""

from __future__ import annotations

import errno
import json
import os
import shutil

import pytest
from corpora import TINY, corpus

from attnviz.corpora.effect_job import EffectJob
from attnviz.corpora.job import Job
from attnviz.corpora.shards import shards
from attnviz.corpora.state_folder import ABOUT, StateFolder
from attnviz.errors import AttnvizError


@pytest.fixture
def shard():
    return next(shards(corpus(2)))


def test_what_is_kept_is_there_for_the_next_run(tmp_path, shard):
    before = StateFolder(tmp_path / "a" / "state", TINY, 64)
    assert before.kept(shard) is None
    content = TINY.worker()(shard.texts).to_bytes()
    path = before.keep(shard, content)
    made = StateFolder(tmp_path / "a" / "state", TINY, 64).kept(shard)
    assert made.statistics.to_bytes() == content
    assert path.parent == tmp_path / "a" / "state"
    assert path.name == f"{shard.key(TINY.name)}.stats"


@pytest.mark.parametrize(
    ("job", "size", "what"),
    [
        (Job(layer=("0",)), 64, "model"),
        (Job(model="tiny", layer=("1",)), 64, "layer"),
        (Job(model="tiny", layer=("0",), measured={"near": 2}), 64, "near"),
        (Job(model="tiny", layer=("0",), making={"pair": "x"}, asked={"pair": "x"}), 64, "pair"),
        (TINY, 32, "shard_size"),
    ],
)
def test_a_folder_of_another_job_is_refused_and_says_what_differs(tmp_path, job, size, what):
    StateFolder(tmp_path, TINY, 64)
    with pytest.raises(AttnvizError) as raised:
        StateFolder(tmp_path, job, size)
    assert str(raised.value) == f"{tmp_path} keeps shards that were made otherwise; what differs: {what}"


def test_a_model_that_was_moved_is_the_same(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"1")
    StateFolder(tmp_path / "state", Job(model=str(tmp_path / "model")), 64)
    shutil.copytree(tmp_path / "model", tmp_path / "elsewhere" / "model")
    monkeypatch.chdir(tmp_path / "elsewhere")
    StateFolder(tmp_path / "state", Job(model="model/"), 64)
    with pytest.raises(AttnvizError, match=r"what differs: near$"):
        StateFolder(tmp_path / "state", Job(model="model/", measured={"near": 2}), 64)


def test_weights_that_were_trained_on_are_another_model(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"1")
    job = Job(model=str(tmp_path / "model"))
    StateFolder(tmp_path / "state", job, 64)
    (tmp_path / "model" / "model.safetensors").write_bytes(b"2")
    with pytest.raises(AttnvizError, match="what the model's files hold"):
        StateFolder(tmp_path / "state", job, 64)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"job": 1}', '{"job": "a", "options": 3}', "[" * 100_000])
def test_a_damaged_folder_is_refused(tmp_path, content):
    (tmp_path / ABOUT).write_text(content)
    with pytest.raises(AttnvizError, match="is damaged"):
        StateFolder(tmp_path, TINY, 64)


def test_a_folder_with_other_files_is_not_written_to(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(AttnvizError, match=r"holds other files, such as thesis\.tex"):
        StateFolder(tmp_path, TINY, 64)
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_a_file_in_its_place_is_one_clear_line(tmp_path):
    (tmp_path / "state").write_text("")
    with pytest.raises(AttnvizError, match=r"is a file, not a folder$"):
        StateFolder(tmp_path / "state", TINY, 64)


def test_a_full_disk_is_one_clear_line_and_leaves_nothing_half_written(tmp_path, shard, monkeypatch):
    folder = StateFolder(tmp_path, TINY, 64)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AttnvizError, match="no space left on device"):
        folder.keep(shard, TINY.statistics().to_bytes())
    assert os.listdir(tmp_path) == [ABOUT]


def test_it_says_in_plain_words_what_it_keeps(tmp_path):
    StateFolder(tmp_path, TINY, 64)
    said = json.loads((tmp_path / ABOUT).read_text())
    assert (said["attnviz_state"], said["options"]["model"], said["options"]["shard_size"]) == (1, "tiny", 64)


def test_what_lies_under_the_name_of_other_texts_is_refused(tmp_path):
    folder = StateFolder(tmp_path, TINY, 64)
    one, other = shards(corpus(4), 2)
    shutil.copy(folder.keep(one, TINY.worker()(one.texts).to_bytes()), folder.path(other))
    assert folder.kept(one) is not None
    with pytest.raises(AttnvizError, match=r"\.stats is of other texts than its name says"):
        folder.kept(other)


def test_a_folder_of_other_measurements_is_refused(tmp_path):
    StateFolder(tmp_path / "s", EffectJob(model="tiny"), 2)
    with pytest.raises(AttnvizError, match="keeps shards of effects, and weights are asked for"):
        StateFolder(tmp_path / "s", TINY, 2)
