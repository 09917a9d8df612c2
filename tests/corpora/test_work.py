"""What workers are told is plain data: it can be sent, it has a name, and what comes back is read with care."""

from __future__ import annotations

import threading

import pytest
from corpora import TINY, corpus

import attnviz
from attnviz.corpora.effect_job import EffectJob
from attnviz.corpora.job import Job
from attnviz.corpora.needle_job import NeedleJob
from attnviz.corpora.work import require_sendable
from attnviz.errors import AttnvizError
from attnviz.sources.texts.corpus import CorpusText


class Tokenizer:
    """Knows some words; str() of it says nothing of them."""

    def __init__(self, words):
        self.words = words


def test_work_of_another_kind_has_another_name():
    jobs = [Job(model="tiny"), EffectJob(model="tiny"), NeedleJob(model="tiny", count=1, words=(10,))]
    assert len({job.name for job in jobs}) == 3
    assert [job.options["measures"] for job in jobs] == ["weights", "effects", "needles"]
    assert jobs[2].hidden
    assert "hidden" not in jobs[2].options


def test_what_cannot_be_sent_is_named_before_any_worker_starts():
    require_sendable(Job(making={"tokenizer": Tokenizer(["a"])}))
    held = Tokenizer(["a"])
    held.lock = threading.Lock()
    with pytest.raises(
        AttnvizError, match=r"^tokenizer is a Tokenizer, which cannot be sent to another process: cannot"
    ):
        require_sendable(Job(model="tiny", making={"tokenizer": held}))


def test_an_object_is_told_apart_by_what_it_holds():
    """Where str() names its place in memory, the next run would take the folder for another's."""
    one, same, other = (Job(making={"tokenizer": Tokenizer(words)}) for words in (["a"], ["a"], ["b"]))
    assert one.name == same.name != other.name
    import torch

    assert Job(making={"dtype": torch.float16}).options["making"] == {"dtype": "torch.float16"}


def test_a_shard_comes_back_with_what_was_left_out_of_it():
    texts = [*corpus(2), CorpusText(3, "line 3", " ")]
    made = TINY.opened(TINY.worker()(texts).to_bytes(), "a")
    assert (made.statistics.texts, made.tokens, made.rows) == (2, made.statistics.tokens, [])
    (left_out,) = made.left_out
    with pytest.raises(AttnvizError) as raised:
        attnviz.trace_model("tiny", " ")
    assert left_out[:2] == (2, "line 3")
    assert (left_out.error.message, left_out.error.hint) == (raised.value.message, raised.value.hint)


def test_a_file_of_something_else_is_refused():
    content = EffectJob(model="tiny").worker()(corpus(1)).to_bytes()
    with pytest.raises(AttnvizError, match=r"^a: it holds statistics of effects, and those of weights are read here"):
        TINY.opened(content, "a")
